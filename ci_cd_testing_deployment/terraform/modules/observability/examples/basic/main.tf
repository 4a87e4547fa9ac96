terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "eu-central-1"
}

module "observability" {
  source = "../.."

  name           = "example"
  environment    = "dev"
  postgres_id    = "example"
  redis_node_ids = ["example-001"]
  log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}
