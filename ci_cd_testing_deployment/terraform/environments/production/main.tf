locals {
  region = "eu-central-1"
}

module "stack" {
  source = "../../stack"

  # Sized for 20,000 transactions a second and three million cards: docs/operations.md says how.
  environment        = "production"
  region             = local.region
  zones              = [for letter in ["a", "b", "c"] : "${local.region}${letter}"]
  cidr               = "10.42.0.0/16"
  is_protected       = true
  kubernetes_version = "1.35"
  monthly_budget_usd = 12000
  has_keyspaces      = true

  node_groups = {
    services = { instance_types = ["m7i.xlarge"], min_size = 3, max_size = 12 }
    spark    = { instance_types = ["c7i.2xlarge"], min_size = 2, max_size = 6, is_tainted = true }
  }

  postgres = { instance_class = "db.m7g.2xlarge", storage_gib = 500, backup_days = 35 }
  redis    = { node_type = "cache.r7g.xlarge", snapshot_days = 3 }
  kafka    = { instance_type = "kafka.m7g.xlarge", storage_gib = 2000 }

  github_repository   = var.github_repository
  github_provider_arn = var.github_provider_arn
  state_bucket        = var.state_bucket
  alarm_emails        = var.alarm_emails
  api_cidrs           = var.api_cidrs
  scorer_zip_file     = var.scorer_zip_file
  scorer_handler      = var.scorer_handler
  has_shared_volumes  = var.has_shared_volumes
}
