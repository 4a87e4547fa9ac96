variable "name" {
  description = "What the names of account and pool begin with."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,24}$", var.name))
    error_message = "The name takes 3 to 25 lower-case letters, digits and dashes, a letter first."
  }
}

variable "project" {
  description = "Google Cloud project."
  type        = string
}

variable "dataset" {
  description = "Dataset of the warehouse."
  type        = string
  default     = "fraudstream"
}

variable "location" {
  description = "Region or multi-region of the dataset; data stay in it."
  type        = string
  default     = "EU"
}

variable "kms_key_name" {
  description = "Cloud KMS key of dataset and tables."
  type        = string
}

variable "retention_days" {
  description = "Days after which a partition is dropped."
  type        = number
  default     = 1096

  validation {
    condition     = var.retention_days >= 400
    error_message = "Training compares with the year before: keep at least 400 days."
  }
}

variable "cluster_issuer" {
  description = "Issuer of the cluster's service accounts, without the scheme; output `issuer` of the module cluster."
  type        = string
}

variable "namespace" {
  description = "Namespace of the sink."
  type        = string
  default     = "fraudstream"
}

variable "service_account" {
  description = "Service account of the sink."
  type        = string
  default     = "sink"
}
