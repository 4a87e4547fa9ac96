output "repository_urls" {
  description = "Where each image is pushed."
  value       = { for image, repository in aws_ecr_repository.this : image => repository.repository_url }
}

output "repository_arns" {
  description = "The repositories, for policies."
  value       = [for repository in aws_ecr_repository.this : repository.arn]
}
