variable "state_bucket" {
  description = "Bucket of this state; the scripts name it."
  type        = string
}

variable "github_repository" {
  description = "GitHub repository whose jobs deploy, as OWNER/NAME."
  type        = string
}

variable "github_provider_arn" {
  description = "GitHub's identity provider where the account has one; null makes it."
  type        = string
  default     = null
}

variable "alarm_emails" {
  description = "Who gets the alarms."
  type        = list(string)
  default     = []
}

variable "api_cidrs" {
  description = "Networks that may reach the API server from outside."
  type        = list(string)
  default     = []
}

variable "scorer_zip_file" {
  description = "Zip file of the serverless scorer; without it there is none."
  type        = string
  default     = null
}

variable "scorer_handler" {
  description = "Function in the zip file that is called."
  type        = string
  default     = "model.inference.lambda_handler.handle"
}

# Off where a cloud is only imitated and has no such service.
variable "has_shared_volumes" {
  description = "Whether there is a file system for volumes that several nodes write."
  type        = bool
  default     = true
}
