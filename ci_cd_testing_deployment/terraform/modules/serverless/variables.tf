variable "name" {
  description = "What the names of function and API begin with."
  type        = string
}

variable "image_uri" {
  description = "The scorer as a container image, by digest; null where zip_file is given."
  type        = string
  default     = null

  validation {
    condition     = var.image_uri == null || can(regex("@sha256:[0-9a-f]{64}$", var.image_uri))
    error_message = "Name the image by its digest: a tag may change under a running function."
  }
}

variable "zip_file" {
  description = "The scorer as a zip file; null where image_uri is given."
  type        = string
  default     = null
}

variable "handler" {
  description = "Function in the zip file that is called."
  type        = string
  default     = "model.inference.lambda_handler.handle"
}

variable "settings" {
  description = "Environment of the function; no secrets."
  type        = map(string)
  default     = {}
}

variable "memory_mib" {
  description = "Memory of an instance; its share of a processor grows with it."
  type        = number
  default     = 1024
}

variable "timeout_s" {
  description = "Longest time of one request. The gateway gives up after 30 s."
  type        = number
  default     = 10

  validation {
    condition     = var.timeout_s >= 1 && var.timeout_s <= 29
    error_message = "The time-out is 1 to 29 s, below the gateway's own 30 s."
  }
}

variable "concurrency" {
  description = "Instances at once: the bound of what a flood of requests can cost."
  type        = number
  default     = 50
}

variable "requests_per_s" {
  description = "Requests a second that the gateway lets through."
  type        = number
  default     = 200
}

variable "subnet_ids" {
  description = "Private subnets, where the function must reach the stores; none runs it outside the VPC."
  type        = list(string)
  default     = []
}

variable "security_group_ids" {
  description = "Security groups of the function in those subnets."
  type        = list(string)
  default     = []
}

variable "secrets_key_arn" {
  description = "Key of the function's environment."
  type        = string
}

variable "log_key_arn" {
  description = "Key of the logs."
  type        = string
}

variable "boundary_arn" {
  description = "Policy that bounds what the module's roles can ever do; output `boundary_arn` of the module identity."
  type        = string
}
