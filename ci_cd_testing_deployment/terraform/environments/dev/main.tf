locals {
  region = "eu-central-1"
}

module "stack" {
  source = "../../stack"

  # Kafka and Cassandra run on the cluster; one of everything is enough.
  environment        = "dev"
  region             = local.region
  zones              = [for letter in ["a", "b", "c"] : "${local.region}${letter}"]
  cidr               = "10.40.0.0/16"
  is_protected       = false
  kubernetes_version = "1.35"
  monthly_budget_usd = 600

  node_groups = {
    services = { instance_types = ["m7i.large"], min_size = 2, max_size = 4 }
    spark    = { instance_types = ["m7i.xlarge"], min_size = 0, max_size = 2, capacity_type = "SPOT", is_tainted = true }
  }

  postgres = { instance_class = "db.t4g.medium", storage_gib = 50, backup_days = 7 }
  redis    = { node_type = "cache.t4g.medium" }

  github_repository   = var.github_repository
  github_provider_arn = var.github_provider_arn
  state_bucket        = var.state_bucket
  alarm_emails        = var.alarm_emails
  api_cidrs           = var.api_cidrs
  scorer_zip_file     = var.scorer_zip_file
  scorer_handler      = var.scorer_handler
  has_shared_volumes  = var.has_shared_volumes
}
