variable "name" {
  description = "What the name of every store begins with."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,38}$", var.name))
    error_message = "The name takes 3 to 39 lower-case letters, digits and dashes, a letter first: stores put it into their own names."
  }
}

variable "vpc_id" {
  description = "Where the stores are."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the stores, one in each zone."
  type        = list(string)
}

variable "cluster_security_group_id" {
  description = "Security group of the nodes; nobody else reaches the stores."
  type        = string
}

variable "data_key_arn" {
  description = "Key of stores, volumes and buckets."
  type        = string
}

variable "secrets_key_arn" {
  description = "Key of the stores' passwords."
  type        = string
}

variable "log_key_arn" {
  description = "Key of the brokers' logs."
  type        = string
}

variable "is_protected" {
  description = "Production: a standby in another zone, and nothing is deleted by accident."
  type        = bool
}

variable "postgres" {
  description = "Size of PostgreSQL, and how many days can be gone back to."
  type = object({
    version        = optional(string, "16.6")
    instance_class = string
    storage_gib    = number
    backup_days    = optional(number, 14)
  })

  validation {
    condition     = var.postgres.backup_days >= 7 && var.postgres.backup_days <= 35
    error_message = "RDS keeps 7 to 35 days; fewer than 7 do not cover a holiday."
  }
}

variable "redis" {
  description = "Size of Redis: 3.3 GB for a million cards (docs/state.md), and as much again while it saves."
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
  description = "Whether Keyspaces holds the history by card; otherwise Cassandra runs on the cluster."
  type        = bool
  default     = false
}

variable "has_shared_volumes" {
  description = "Whether there is a file system for volumes that several nodes write."
  type        = bool
  default     = true
}
