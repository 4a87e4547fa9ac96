variable "name" {
  description = "Name of the cluster, and what the names of its parts begin with."
  type        = string
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes; go up one at a time."
  type        = string

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version))
    error_message = "The version is a minor one, such as 1.35."
  }
}

variable "subnet_ids" {
  description = "Private subnets of nodes and pods, in at least two zones."
  type        = list(string)
}

variable "api_cidrs" {
  description = "Networks that may reach the API server from outside the VPC; none keeps it private."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.api_cidrs, "0.0.0.0/0")
    error_message = "The API server must not be open to every address."
  }
}

variable "admin_role_arns" {
  description = "Roles that administer the cluster, by a name for each."
  type        = map(string)
  default     = {}
}

variable "node_groups" {
  description = "Groups of nodes: services, and spark, which is tainted so that a busy stream starves nobody."
  type = map(object({
    instance_types = list(string)
    min_size       = number
    max_size       = number
    disk_gib       = optional(number, 60)
    capacity_type  = optional(string, "ON_DEMAND")
    is_tainted     = optional(bool, false)
  }))

  validation {
    condition     = alltrue([for group in var.node_groups : group.min_size <= group.max_size && group.max_size > 0])
    error_message = "Each group's min_size must be at most its max_size."
  }

  validation {
    condition     = alltrue([for group in var.node_groups : contains(["ON_DEMAND", "SPOT"], group.capacity_type)])
    error_message = "The capacity_type is ON_DEMAND or SPOT."
  }
}

variable "addons" {
  description = "Add-ons by name, with their versions; null takes the one that EKS prefers for the cluster's version."
  type        = map(string)
  default = {
    vpc-cni            = null
    coredns            = null
    kube-proxy         = null
    aws-ebs-csi-driver = null
    aws-efs-csi-driver = null
  }
}

variable "workloads" {
  description = "What service accounts may do in AWS: an IAM policy as JSON for each."
  type = map(object({
    namespace       = string
    service_account = string
    policy          = string
  }))
  default = {}
}

variable "secrets_key_arn" {
  description = "Key that secrets are encrypted with in etcd."
  type        = string
}

variable "data_key_arn" {
  description = "Key of the nodes' disks."
  type        = string
}

variable "log_key_arn" {
  description = "Key of the control plane's logs."
  type        = string
}

variable "log_retention_days" {
  description = "How long the control plane's logs stay; auditors ask for a year."
  type        = number
  default     = 365
}

variable "boundary_arn" {
  description = "Policy that bounds what the module's roles can ever do; output `boundary_arn` of the module identity."
  type        = string
}
