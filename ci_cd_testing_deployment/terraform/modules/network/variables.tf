variable "name" {
  description = "What every resource's name begins with."
  type        = string
}

variable "region" {
  description = "Region of the endpoints."
  type        = string
}

variable "zones" {
  description = "Availability zones; three let a store lose one and keep its majority."
  type        = list(string)

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 6 && length(distinct(var.zones)) == length(var.zones)
    error_message = "Name two to six different zones."
  }
}

variable "cidr" {
  description = "Addresses of the VPC. A /16 gives each zone 4,091 for nodes and pods."
  type        = string
  default     = "10.40.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("/16$", var.cidr))
    error_message = "The cidr must be an IPv4 /16 such as 10.40.0.0/16."
  }
}

variable "single_nat" {
  description = "One NAT gateway for all zones: cheaper, and the loss of its zone cuts the others off the internet."
  type        = bool
  default     = false
}

variable "log_key_arn" {
  description = "Key that the log of refused connections is encrypted with."
  type        = string
}

variable "log_retention_days" {
  description = "How long refused connections stay in the log."
  type        = number
  default     = 365
}

variable "boundary_arn" {
  description = "Policy that bounds what the module's roles can ever do; output `boundary_arn` of the module identity."
  type        = string
}
