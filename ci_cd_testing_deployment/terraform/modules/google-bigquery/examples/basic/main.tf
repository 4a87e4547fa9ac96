terraform {
  required_version = ">= 1.11"
}

module "google_bigquery" {
  source = "../.."

  name           = "example"
  project        = "example-project"
  kms_key_name   = "projects/example-project/locations/eu/keyRings/example/cryptoKeys/example"
  cluster_issuer = "oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE"
}
