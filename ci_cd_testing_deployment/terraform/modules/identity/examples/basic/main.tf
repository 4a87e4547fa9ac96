terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "eu-central-1"
}

module "identity" {
  source = "../.."

  name             = "example"
  region           = "eu-central-1"
  environment      = "dev"
  repository       = "owner/product"
  repository_arns  = ["arn:aws:ecr:eu-central-1:123456789012:repository/example/pipeline"]
  state_bucket_arn = "arn:aws:s3:::example-state"
}
