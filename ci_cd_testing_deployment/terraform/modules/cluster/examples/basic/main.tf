terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "eu-central-1"
}

module "cluster" {
  source = "../.."

  boundary_arn       = "arn:aws:iam::123456789012:policy/example-boundary"
  name               = "example"
  kubernetes_version = "1.35"
  subnet_ids         = ["subnet-1", "subnet-2"]
  secrets_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  data_key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  log_key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"

  node_groups = {
    services = { instance_types = ["m7i.large"], min_size = 2, max_size = 4 }
  }
}
