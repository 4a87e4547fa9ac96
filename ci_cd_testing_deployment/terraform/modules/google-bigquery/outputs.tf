output "dataset" {
  description = "Dataset, as PROJECT.DATASET."
  value       = "${var.project}.${google_bigquery_dataset.this.dataset_id}"
}

output "service_account_email" {
  description = "Account that the sink acts as."
  value       = google_service_account.sink.email
}

output "provider_name" {
  description = "Provider to which the sink presents its token."
  value       = google_iam_workload_identity_pool_provider.cluster.name
}
