resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name   = "${var.name}-postgres${local.postgres_major}"
  family = "postgres${local.postgres_major}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_118:Performance Insights shows waits by statement, which the operating system's figures do not
  identifier                          = var.name
  engine                              = "postgres"
  engine_version                      = var.postgres.version
  instance_class                      = var.postgres.instance_class
  allocated_storage                   = var.postgres.storage_gib
  max_allocated_storage               = 4 * var.postgres.storage_gib
  storage_type                        = "gp3"
  storage_encrypted                   = true
  kms_key_id                          = var.data_key_arn
  db_name                             = "fraudstream"
  username                            = "fraudstream"
  manage_master_user_password         = true
  master_user_secret_kms_key_id       = var.secrets_key_arn
  iam_database_authentication_enabled = true
  multi_az                            = var.is_protected
  deletion_protection                 = var.is_protected
  skip_final_snapshot                 = !var.is_protected
  final_snapshot_identifier           = var.is_protected ? "${var.name}-last" : null
  backup_retention_period             = var.postgres.backup_days
  copy_tags_to_snapshot               = true
  auto_minor_version_upgrade          = true
  performance_insights_enabled        = true
  performance_insights_kms_key_id     = var.data_key_arn
  enabled_cloudwatch_logs_exports     = ["postgresql", "upgrade"]
  parameter_group_name                = aws_db_parameter_group.this.name
  db_subnet_group_name                = aws_db_subnet_group.this.name
  vpc_security_group_ids              = [aws_security_group.this.id]
}
