terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "eu-central-1"
}

module "data" {
  source = "../.."

  name                      = "example"
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-1", "subnet-2", "subnet-3"]
  cluster_security_group_id = "sg-1"
  data_key_arn              = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  secrets_key_arn           = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  log_key_arn               = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  is_protected              = true
  postgres                  = { instance_class = "db.m7g.large", storage_gib = 50, backup_days = 14 }
  redis                     = { node_type = "cache.t4g.medium" }
}
