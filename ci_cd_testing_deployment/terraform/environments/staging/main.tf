locals {
  region = "eu-central-1"
}

module "stack" {
  source = "../../stack"

  # Shaped like production, a third of its size, so that a roll-out meets the same parts.
  environment        = "staging"
  region             = local.region
  zones              = [for letter in ["a", "b", "c"] : "${local.region}${letter}"]
  cidr               = "10.41.0.0/16"
  is_protected       = true
  kubernetes_version = "1.35"
  monthly_budget_usd = 2500
  has_keyspaces      = true

  node_groups = {
    services = { instance_types = ["m7i.large"], min_size = 3, max_size = 6 }
    spark    = { instance_types = ["c7i.xlarge"], min_size = 1, max_size = 3, is_tainted = true }
  }

  postgres = { instance_class = "db.m7g.large", storage_gib = 100 }
  redis    = { node_type = "cache.r7g.large" }
  kafka    = { instance_type = "kafka.m7g.large", storage_gib = 200 }

  github_repository   = var.github_repository
  github_provider_arn = var.github_provider_arn
  state_bucket        = var.state_bucket
  alarm_emails        = var.alarm_emails
  api_cidrs           = var.api_cidrs
  scorer_zip_file     = var.scorer_zip_file
  scorer_handler      = var.scorer_handler
  has_shared_volumes  = var.has_shared_volumes
}
