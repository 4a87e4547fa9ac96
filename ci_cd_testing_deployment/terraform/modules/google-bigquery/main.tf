# The warehouse: what analysts and training read. The sink writes it from the cluster, and holds no key for that.
locals {
  tables = {
    transactions = "event_time"
    decisions    = "decided_at"
    labels       = "observed_at"
    features     = "event_time"
  }
}

resource "google_bigquery_dataset" "this" {
  project                    = var.project
  dataset_id                 = var.dataset
  location                   = var.location
  description                = "Transactions, decisions, labels and features of ${var.name}"
  delete_contents_on_destroy = false

  default_encryption_configuration {
    kms_key_name = var.kms_key_name
  }
}

resource "google_bigquery_table" "this" {
  for_each                 = local.tables
  project                  = var.project
  dataset_id               = google_bigquery_dataset.this.dataset_id
  table_id                 = each.key
  deletion_protection      = true
  require_partition_filter = true # a query without a day would read, and cost, all of history
  schema                   = file("${path.module}/schemas/${each.key}.json")
  clustering               = ["customer_id"]

  time_partitioning {
    type          = "DAY"
    field         = each.value
    expiration_ms = var.retention_days * 86400000
  }

  encryption_configuration {
    kms_key_name = var.kms_key_name
  }
}

resource "google_service_account" "sink" {
  project      = var.project
  account_id   = "${var.name}-sink"
  display_name = "Writes the warehouse of ${var.name}"
}

resource "google_bigquery_dataset_iam_member" "sink" {
  project    = var.project
  dataset_id = google_bigquery_dataset.this.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.sink.member
}

resource "google_project_iam_member" "sink" {
  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.sink.member
}
