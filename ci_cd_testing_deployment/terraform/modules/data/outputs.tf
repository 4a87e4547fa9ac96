output "postgres_endpoint" {
  description = "Host and port of PostgreSQL."
  value       = aws_db_instance.this.endpoint
}

output "postgres_secret_arn" {
  description = "Where the password of PostgreSQL is; RDS rotates it."
  value       = try(aws_db_instance.this.master_user_secret[0].secret_arn, null)
}

output "redis_secret_arn" {
  description = "Where the URL of Redis is, password included."
  value       = aws_secretsmanager_secret.redis.arn
}

output "kafka_bootstrap_servers" {
  description = "Brokers for clients that log in by SCRAM; null where the cluster runs Kafka."
  value       = try(aws_msk_cluster.this[0].bootstrap_brokers_sasl_scram, null)
}

output "kafka_secret_arn" {
  description = "Where name and password for the brokers are; null where the cluster runs Kafka."
  value       = try(aws_secretsmanager_secret.kafka[0].arn, null)
}

output "bucket_arns" {
  description = "Buckets by purpose: artefacts, archive, backups."
  value       = { for purpose, bucket in aws_s3_bucket.this : purpose => bucket.arn }
}

output "bucket_names" {
  description = "The same by name."
  value       = { for purpose, bucket in aws_s3_bucket.this : purpose => bucket.bucket }
}

output "file_system_id" {
  description = "File system of the shared volumes; null where there is none."
  value       = try(aws_efs_file_system.this[0].id, null)
}

output "redis_node_ids" {
  description = "Nodes of Redis, for alarms; their names follow from the group's."
  value       = [for number in range(local.redis_nodes) : format("%s-%03d", var.name, number + 1)]
}

output "postgres_id" {
  description = "The instance, for alarms."
  value       = aws_db_instance.this.identifier
}
