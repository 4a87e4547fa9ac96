variable "name" {
  description = "What the names of the roles begin with; also the name of the cluster that they deploy to."
  type        = string
}

variable "region" {
  description = "The one region in which the applying role may change anything."
  type        = string
}

variable "environment" {
  description = "GitHub environment whose jobs may take the roles that change something."
  type        = string
}

variable "repository" {
  description = "GitHub repository, as OWNER/NAME."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "The repository is OWNER/NAME without a wildcard: a wildcard would let strangers' repositories in."
  }
}

variable "github_provider_arn" {
  description = "GitHub's identity provider where the account has one; null makes it."
  type        = string
  default     = null
}

variable "repository_arns" {
  description = "Image repositories that the deploying role pushes to."
  type        = list(string)
}

variable "state_bucket_arn" {
  description = "Bucket of Terraform's state."
  type        = string
}

variable "pull_requests_plan" {
  description = "Whether a pull request may plan, and so read the state; jobs of main and of the environment may."
  type        = bool
  default     = false
}
