variable "prefix" {
  description = "What the name of every repository begins with."
  type        = string
  default     = "fraudstream"
}

variable "images" {
  description = "Images of the product, a repository for each."
  type        = set(string)

  validation {
    condition     = length(var.images) > 0
    error_message = "Name at least one image."
  }
}

variable "key_arn" {
  description = "Key that layers are encrypted with."
  type        = string
}

variable "kept_versions" {
  description = "Versions of each image that stay; the oldest go first."
  type        = number
  default     = 50

  validation {
    condition     = var.kept_versions >= 10
    error_message = "Keep at least ten versions, or there may be none to go back to."
  }
}

variable "force_delete" {
  description = "Whether a repository with images in it may be destroyed."
  type        = bool
  default     = false
}
