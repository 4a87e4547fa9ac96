locals {
  postgres_major = split(".", var.postgres.version)[0]
  redis_nodes    = var.is_protected ? 2 : 1
  ports          = { postgres = 5432, redis = 6379, volumes = 2049 }
}

data "aws_caller_identity" "this" {}

resource "aws_security_group" "this" {
  name        = "${var.name}-data"
  description = "Stores of ${var.name}, reached from the cluster alone"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each                     = local.ports
  security_group_id            = aws_security_group.this.id
  description                  = "The cluster to ${each.key}"
  referenced_security_group_id = var.cluster_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
}

# Volumes that driver, executors and services share: models and the bundles of the stream's plans.
resource "aws_efs_file_system" "this" {
  count          = var.has_shared_volumes ? 1 : 0
  creation_token = var.name
  encrypted      = true
  kms_key_id     = var.data_key_arn

  lifecycle_policy {
    transition_to_ia = "AFTER_90_DAYS"
  }
}

resource "aws_efs_mount_target" "this" {
  count           = var.has_shared_volumes ? length(var.subnet_ids) : 0
  file_system_id  = aws_efs_file_system.this[0].id
  subnet_id       = var.subnet_ids[count.index]
  security_groups = [aws_security_group.this.id]
}

# Transactions and decisions by card. Where it is off, the cluster runs Cassandra itself.
resource "aws_keyspaces_keyspace" "this" {
  count = var.has_keyspaces ? 1 : 0
  name  = replace(var.name, "-", "_")
}
