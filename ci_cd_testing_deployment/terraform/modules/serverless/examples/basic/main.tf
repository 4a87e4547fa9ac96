terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "eu-central-1"
}

module "serverless" {
  source = "../.."

  boundary_arn    = "arn:aws:iam::123456789012:policy/example-boundary"
  name            = "example"
  image_uri       = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/example/scorer@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  secrets_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  log_key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}
