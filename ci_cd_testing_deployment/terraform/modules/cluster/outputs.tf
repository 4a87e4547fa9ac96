output "name" {
  description = "Name of the cluster."
  value       = aws_eks_cluster.this.name
}

output "endpoint" {
  description = "Address of the API server."
  value       = aws_eks_cluster.this.endpoint
}

output "security_group_id" {
  description = "Security group of the nodes, which stores let in."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "issuer" {
  description = "Who issues the service accounts' tokens, without the scheme; other clouds trust it too."
  value       = local.issuer
}

output "workload_role_arns" {
  description = "Role of each workload, for the annotation of its service account."
  value       = { for name, role in aws_iam_role.workload : name => role.arn }
}
