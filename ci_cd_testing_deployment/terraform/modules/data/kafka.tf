# The log of truth, where the cluster does not run it itself. Clients log in by SCRAM over TLS.
resource "aws_msk_cluster" "this" {
  count                  = var.kafka == null ? 0 : 1
  cluster_name           = var.name
  kafka_version          = var.kafka.version
  number_of_broker_nodes = length(var.subnet_ids)

  broker_node_group_info {
    instance_type   = var.kafka.instance_type
    client_subnets  = var.subnet_ids
    security_groups = [aws_security_group.kafka[0].id]

    storage_info {
      ebs_storage_info {
        volume_size = var.kafka.storage_gib
      }
    }
  }

  client_authentication {
    unauthenticated = false

    sasl {
      scram = true
    }
  }

  encryption_info {
    encryption_at_rest_kms_key_arn = var.data_key_arn

    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }

  configuration_info {
    arn      = aws_msk_configuration.this[0].arn
    revision = aws_msk_configuration.this[0].latest_revision
  }

  logging_info {
    broker_logs {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.kafka[0].name
      }
    }
  }
}

resource "aws_msk_configuration" "this" {
  count          = var.kafka == null ? 0 : 1
  name           = var.name
  kafka_versions = [var.kafka.version]

  # An acknowledged decision stands on two brokers, so one may be lost.
  server_properties = <<-EOT
    auto.create.topics.enable=false
    default.replication.factor=3
    min.insync.replicas=2
    message.max.bytes=16777216
    replica.fetch.max.bytes=16777216
    unclean.leader.election.enable=false
  EOT
}

# The brokers take logins from secrets of this prefix alone, under a key of the account's own.
resource "aws_secretsmanager_secret" "kafka" {
  #checkov:skip=CKV2_AWS_57:brokers and pods would have to change at the same moment; docs/infrastructure.md says how to rotate
  count                   = var.kafka == null ? 0 : 1
  name                    = "AmazonMSK_${var.name}"
  kms_key_id              = var.secrets_key_arn
  recovery_window_in_days = var.is_protected ? 30 : 0
}

data "aws_secretsmanager_random_password" "kafka" {
  count               = var.kafka == null ? 0 : 1
  password_length     = 64
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "kafka" {
  count     = var.kafka == null ? 0 : 1
  secret_id = aws_secretsmanager_secret.kafka[0].id
  secret_string = jsonencode({
    username = "fraudstream"
    password = data.aws_secretsmanager_random_password.kafka[0].random_password
  })

  lifecycle {
    # A password is drawn at every plan; the first one stays until somebody rotates it.
    ignore_changes = [secret_string]
  }
}

resource "aws_secretsmanager_secret_policy" "kafka" {
  count      = var.kafka == null ? 0 : 1
  secret_arn = aws_secretsmanager_secret.kafka[0].arn
  policy     = data.aws_iam_policy_document.kafka_login[0].json
}

data "aws_iam_policy_document" "kafka_login" {
  count = var.kafka == null ? 0 : 1

  statement {
    sid       = "BrokersRead"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.kafka[0].arn]

    principals {
      type        = "Service"
      identifiers = ["kafka.amazonaws.com"]
    }
  }
}

resource "aws_msk_scram_secret_association" "this" {
  count           = var.kafka == null ? 0 : 1
  cluster_arn     = aws_msk_cluster.this[0].arn
  secret_arn_list = [aws_secretsmanager_secret.kafka[0].arn]
  depends_on      = [aws_secretsmanager_secret_version.kafka, aws_secretsmanager_secret_policy.kafka]
}

resource "aws_cloudwatch_log_group" "kafka" {
  count             = var.kafka == null ? 0 : 1
  name              = "/${var.name}/kafka"
  retention_in_days = 365
  kms_key_id        = var.log_key_arn
}

resource "aws_security_group" "kafka" {
  count       = var.kafka == null ? 0 : 1
  name        = "${var.name}-kafka"
  description = "Brokers of ${var.name}, reached from the cluster alone"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "kafka" {
  for_each                     = var.kafka == null ? {} : { cluster = var.cluster_security_group_id, brokers = aws_security_group.kafka[0].id }
  security_group_id            = aws_security_group.kafka[0].id
  description                  = "From ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 9096
  to_port                      = 9096
}
