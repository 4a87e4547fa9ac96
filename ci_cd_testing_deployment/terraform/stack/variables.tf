variable "environment" {
  description = "dev, staging or production."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "production"], var.environment)
    error_message = "The environment is dev, staging or production."
  }
}

variable "region" {
  description = "Region of everything."
  type        = string
}

variable "zones" {
  description = "Availability zones."
  type        = list(string)
}

variable "cidr" {
  description = "Addresses of the VPC; different in each environment, so that two can be connected."
  type        = string
}

variable "is_protected" {
  description = "Standbys in other zones, a NAT gateway in each, and nothing is deleted by accident."
  type        = bool

  validation {
    condition     = var.is_protected || var.environment != "production"
    error_message = "Production is protected."
  }
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes."
  type        = string
}

variable "api_cidrs" {
  description = "Networks that may reach the API server from outside."
  type        = list(string)
  default     = []
}

variable "addons" {
  description = "Add-ons of the cluster with their versions; null takes EKS's choice."
  type        = map(string)
  default = {
    vpc-cni            = null
    coredns            = null
    kube-proxy         = null
    aws-ebs-csi-driver = null
    aws-efs-csi-driver = null
  }
}

variable "node_groups" {
  description = "Groups of nodes; see the module cluster."
  type = map(object({
    instance_types = list(string)
    min_size       = number
    max_size       = number
    disk_gib       = optional(number, 60)
    capacity_type  = optional(string, "ON_DEMAND")
    is_tainted     = optional(bool, false)
  }))
}

variable "postgres" {
  description = "Size of PostgreSQL; see the module data."
  type = object({
    version        = optional(string, "16.6")
    instance_class = string
    storage_gib    = number
    backup_days    = optional(number, 14)
  })
}

variable "redis" {
  description = "Size of Redis; see the module data."
  type = object({
    node_type     = string
    snapshot_days = optional(number, 1)
  })
}

variable "kafka" {
  description = "Size of MSK; null where the cluster runs Kafka itself."
  type = object({
    version       = optional(string, "3.9.x")
    instance_type = string
    storage_gib   = number
  })
  default = null
}

variable "has_keyspaces" {
  description = "Whether Keyspaces holds the history by card."
  type        = bool
  default     = false
}

variable "has_shared_volumes" {
  description = "Whether there is a file system for volumes that several nodes write."
  type        = bool
  default     = true
}

variable "images" {
  description = "Images of the product."
  type        = set(string)
  default = [
    "dashboard-api", "dashboard-web", "decision-api", "pipeline", "producer", "storage-jobs", "trainer",
  ]
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

variable "state_bucket" {
  description = "Bucket of Terraform's state."
  type        = string
}

variable "alarm_emails" {
  description = "Who gets the alarms."
  type        = list(string)
  default     = []
}

variable "monthly_budget_usd" {
  description = "Spending a month whose forecast raises an alarm; null watches none."
  type        = number
  default     = null
}

variable "scorer_zip_file" {
  description = "Zip file of the serverless scorer; without it and without an image there is none."
  type        = string
  default     = null
}

variable "scorer_image_uri" {
  description = "Image of the serverless scorer, by digest."
  type        = string
  default     = null
}

variable "scorer_handler" {
  description = "Function in the zip file that is called."
  type        = string
  default     = "model.inference.lambda_handler.handle"
}
