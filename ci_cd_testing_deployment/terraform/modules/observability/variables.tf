variable "name" {
  description = "What the name of every alarm begins with."
  type        = string
}

variable "environment" {
  description = "Value of the tag by which costs are counted."
  type        = string
}

variable "emails" {
  description = "Who gets the alarms."
  type        = list(string)
  default     = []
}

variable "postgres_id" {
  description = "Instance of PostgreSQL that is watched."
  type        = string
}

variable "redis_node_ids" {
  description = "Nodes of Redis that are watched."
  type        = list(string)

  validation {
    condition     = length(var.redis_node_ids) > 0
    error_message = "Redis has at least one node."
  }
}

variable "monthly_budget_usd" {
  description = "Spending a month whose forecast raises an alarm at 80 %; null watches none."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null || coalesce(var.monthly_budget_usd, 1) > 0
    error_message = "A budget is above zero."
  }
}

variable "log_key_arn" {
  description = "Key of notifications."
  type        = string
}
