output "role_arns" {
  description = "Roles of GitHub's jobs: plan, apply, deploy."
  value       = { for name, role in aws_iam_role.this : name => role.arn }
}

output "boundary_arn" {
  description = "Policy that bounds what a role of the platform can ever do."
  value       = aws_iam_policy.boundary.arn
}

output "github_provider_arn" {
  description = "GitHub's identity provider, for other environments in this account."
  value       = var.github_provider_arn == null ? aws_iam_openid_connect_provider.github[0].arn : var.github_provider_arn
}
