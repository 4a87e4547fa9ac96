# Everything that an environment needs from the cloud; the environments differ in values alone.
locals {
  name = "fraudstream-${var.environment}"

  # What service accounts of the cluster may do in AWS. External Secrets reads passwords, backups are written.
  workloads = {
    external-secrets = {
      namespace       = "fraudstream"
      service_account = "secrets-reader"
      policy = jsonencode({
        Version = "2012-10-17"
        Statement = [
          {
            Sid      = "Read"
            Effect   = "Allow"
            Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
            Resource = compact([module.data.redis_secret_arn, module.data.postgres_secret_arn, module.data.kafka_secret_arn])
          },
          { Sid = "Decrypt", Effect = "Allow", Action = ["kms:Decrypt"], Resource = [module.encryption.key_arns["secrets"]] },
        ]
      })
    }
    backup = {
      namespace       = "fraudstream"
      service_account = "backup"
      policy = jsonencode({
        Version = "2012-10-17"
        Statement = [
          {
            Sid      = "Write"
            Effect   = "Allow"
            Action   = ["s3:PutObject", "s3:GetObject", "s3:ListBucket"]
            Resource = [module.data.bucket_arns["backups"], "${module.data.bucket_arns["backups"]}/*"]
          },
          { Sid = "Encrypt", Effect = "Allow", Action = ["kms:GenerateDataKey", "kms:Decrypt"], Resource = [module.encryption.key_arns["data"]] },
        ]
      })
    }
  }
}

module "encryption" {
  source               = "../modules/encryption"
  name                 = local.name
  region               = var.region
  deletion_window_days = var.is_protected ? 30 : 7
}

module "network" {
  source       = "../modules/network"
  name         = local.name
  region       = var.region
  zones        = var.zones
  cidr         = var.cidr
  single_nat   = !var.is_protected
  log_key_arn  = module.encryption.key_arns["logs"]
  boundary_arn = module.identity.boundary_arn
}

module "registry" {
  source       = "../modules/registry"
  images       = var.images
  prefix       = local.name
  key_arn      = module.encryption.key_arns["data"]
  force_delete = !var.is_protected
}

module "identity" {
  source              = "../modules/identity"
  name                = local.name
  region              = var.region
  environment         = var.environment
  repository          = var.github_repository
  github_provider_arn = var.github_provider_arn
  repository_arns     = module.registry.repository_arns
  state_bucket_arn    = "arn:aws:s3:::${var.state_bucket}"
  pull_requests_plan  = !var.is_protected
}

module "cluster" {
  source             = "../modules/cluster"
  name               = local.name
  kubernetes_version = var.kubernetes_version
  subnet_ids         = module.network.private_subnet_ids
  api_cidrs          = var.api_cidrs
  admin_role_arns    = { deploy = module.identity.role_arns["deploy"] }
  node_groups        = var.node_groups
  addons             = var.addons
  workloads          = local.workloads
  boundary_arn       = module.identity.boundary_arn
  secrets_key_arn    = module.encryption.key_arns["secrets"]
  data_key_arn       = module.encryption.key_arns["data"]
  log_key_arn        = module.encryption.key_arns["logs"]
}

module "data" {
  source                    = "../modules/data"
  name                      = local.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.private_subnet_ids
  cluster_security_group_id = module.cluster.security_group_id
  data_key_arn              = module.encryption.key_arns["data"]
  secrets_key_arn           = module.encryption.key_arns["secrets"]
  log_key_arn               = module.encryption.key_arns["logs"]
  is_protected              = var.is_protected
  postgres                  = var.postgres
  redis                     = var.redis
  kafka                     = var.kafka
  has_keyspaces             = var.has_keyspaces
  has_shared_volumes        = var.has_shared_volumes
}

module "observability" {
  source             = "../modules/observability"
  name               = local.name
  environment        = var.environment
  emails             = var.alarm_emails
  postgres_id        = module.data.postgres_id
  redis_node_ids     = module.data.redis_node_ids
  monthly_budget_usd = var.monthly_budget_usd
  log_key_arn        = module.encryption.key_arns["logs"]
}

module "serverless" {
  count           = var.scorer_zip_file == null && var.scorer_image_uri == null ? 0 : 1
  source          = "../modules/serverless"
  name            = local.name
  zip_file        = var.scorer_zip_file
  image_uri       = var.scorer_image_uri
  handler         = var.scorer_handler
  boundary_arn    = module.identity.boundary_arn
  secrets_key_arn = module.encryption.key_arns["secrets"]
  log_key_arn     = module.encryption.key_arns["logs"]
}
