terraform {
  required_version = ">= 1.11"
}

provider "aws" {
  region = "eu-central-1"
}

module "encryption" {
  source = "../.."

  name   = "example"
  region = "eu-central-1"
}
