variable "name" {
  description = "What every alias begins with."
  type        = string
}

variable "region" {
  description = "Region of the log service that may use the key of logs."
  type        = string
}

variable "rotation_days" {
  description = "Days after which each key gets new material; what was encrypted before stays readable."
  type        = number
  default     = 365

  validation {
    condition     = var.rotation_days >= 90 && var.rotation_days <= 2560
    error_message = "KMS rotates every 90 to 2,560 days."
  }
}

variable "deletion_window_days" {
  description = "Days in which the deletion of a key can be taken back."
  type        = number
  default     = 30

  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30
    error_message = "KMS keeps a deleted key for 7 to 30 days."
  }
}
