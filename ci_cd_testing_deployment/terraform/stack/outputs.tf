# What the cluster's overlay needs of the cloud: `handover.sh ENV` writes it there. Nothing of it is secret.
output "handover" {
  description = "Names, addresses and roles, by the key under which the overlay knows them."
  value = {
    CLUSTER                   = module.cluster.name
    REGION                    = var.region
    POSTGRES_ENDPOINT         = module.data.postgres_endpoint
    POSTGRES_SECRET_ARN       = coalesce(module.data.postgres_secret_arn, "none")
    REDIS_SECRET_ARN          = module.data.redis_secret_arn
    KAFKA_BOOTSTRAP_SERVERS   = coalesce(module.data.kafka_bootstrap_servers, "none")
    KAFKA_SECRET_ARN          = coalesce(module.data.kafka_secret_arn, "none")
    FILE_SYSTEM_ID            = coalesce(module.data.file_system_id, "none")
    ARTEFACTS_BUCKET          = module.data.bucket_names["artefacts"]
    ARCHIVE_BUCKET            = module.data.bucket_names["archive"]
    BACKUPS_BUCKET            = module.data.bucket_names["backups"]
    EXTERNAL_SECRETS_ROLE_ARN = module.cluster.workload_role_arns["external-secrets"]
    BACKUP_ROLE_ARN           = module.cluster.workload_role_arns["backup"]
  }
}

output "repository_urls" {
  description = "Where each image is pushed."
  value       = module.registry.repository_urls
}

output "github_role_arns" {
  description = "Roles of GitHub's jobs, for the variables of the GitHub environment."
  value       = module.identity.role_arns
}

output "github_provider_arn" {
  description = "GitHub's identity provider, for other environments in this account."
  value       = module.identity.github_provider_arn
}

output "scorer_api_id" {
  description = "API of the serverless scorer; null without one."
  value       = try(module.serverless[0].api_id, null)
}

output "alarm_topic_arn" {
  description = "Where the cloud's alarms are sent."
  value       = module.observability.topic_arn
}
