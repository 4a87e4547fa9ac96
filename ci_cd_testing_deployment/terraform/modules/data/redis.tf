resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

# ElastiCache 7 keeps no append-only file: a replica and snapshots stand in for it, and the state can be rebuilt from the log.
# State that is evicted is state that is wrong: the store refuses writes when it is full instead.
resource "aws_elasticache_parameter_group" "this" {
  name   = "${var.name}-redis7"
  family = "redis7"

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }
}

data "aws_secretsmanager_random_password" "redis" {
  password_length     = 64
  exclude_punctuation = true
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = var.name
  description                = "Feature state, plans and answers of ${var.name}"
  engine                     = "redis"
  engine_version             = "7.1"
  node_type                  = var.redis.node_type
  num_cache_clusters         = local.redis_nodes
  automatic_failover_enabled = var.is_protected
  multi_az_enabled           = var.is_protected
  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  auth_token                 = data.aws_secretsmanager_random_password.redis.random_password
  kms_key_id                 = var.data_key_arn
  parameter_group_name       = aws_elasticache_parameter_group.this.name
  snapshot_retention_limit   = var.redis.snapshot_days
  apply_immediately          = !var.is_protected
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.this.id]

  lifecycle {
    # A password is drawn at every plan; the first one stays until somebody rotates it.
    ignore_changes = [auth_token]
  }
}

# What the cluster's secret store hands to the pods.
resource "aws_secretsmanager_secret" "redis" {
  #checkov:skip=CKV2_AWS_57:the store and the pods would have to change at the same moment; docs/infrastructure.md says how
  name                    = "${var.name}/redis"
  kms_key_id              = var.secrets_key_arn
  recovery_window_in_days = var.is_protected ? 30 : 0
}

resource "aws_secretsmanager_secret_version" "redis" {
  secret_id = aws_secretsmanager_secret.redis.id
  secret_string = jsonencode({
    url = format(
      "rediss://:%s@%s:6379/0",
      aws_elasticache_replication_group.this.auth_token,
      aws_elasticache_replication_group.this.primary_endpoint_address,
    )
  })

  lifecycle {
    # Whoever rotates the password writes it here; the state knows the first one alone.
    ignore_changes = [secret_string]
  }
}
