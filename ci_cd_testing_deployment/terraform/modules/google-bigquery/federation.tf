# Tokens of the cluster's service accounts are exchanged for the account above.
resource "google_iam_workload_identity_pool" "this" {
  project                   = var.project
  workload_identity_pool_id = var.name
  description               = "Service accounts of the cluster ${var.name}"
}

resource "google_iam_workload_identity_pool_provider" "cluster" {
  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.this.workload_identity_pool_id
  workload_identity_pool_provider_id = "cluster"
  attribute_mapping                  = { "google.subject" = "assertion.sub" }
  attribute_condition                = "assertion.sub == 'system:serviceaccount:${var.namespace}:${var.service_account}'"

  oidc {
    issuer_uri = "https://${var.cluster_issuer}"
  }
}

resource "google_service_account_iam_member" "federation" {
  service_account_id = google_service_account.sink.name
  role               = "roles/iam.workloadIdentityUser"
  member = format(
    "principal://iam.googleapis.com/%s/subject/system:serviceaccount:%s:%s",
    google_iam_workload_identity_pool.this.name, var.namespace, var.service_account,
  )
}
