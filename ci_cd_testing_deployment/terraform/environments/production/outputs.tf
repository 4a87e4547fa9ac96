output "handover" {
  description = "What the cluster's overlay needs of the cloud."
  value       = module.stack.handover
}

output "repository_urls" {
  description = "Where each image is pushed."
  value       = module.stack.repository_urls
}

output "github_role_arns" {
  description = "Roles of GitHub's jobs, for the variables of the GitHub environment."
  value       = module.stack.github_role_arns
}

output "github_provider_arn" {
  description = "GitHub's identity provider, for other environments in this account."
  value       = module.stack.github_provider_arn
}

output "scorer_api_id" {
  description = "API of the serverless scorer; null without one."
  value       = module.stack.scorer_api_id
}
