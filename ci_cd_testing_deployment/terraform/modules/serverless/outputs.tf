output "api_id" {
  description = "The API."
  value       = aws_apigatewayv2_api.this.id
}

output "endpoint" {
  description = "Where it answers."
  value       = aws_apigatewayv2_api.this.api_endpoint
}

output "function_name" {
  description = "The function."
  value       = aws_lambda_function.this.function_name
}
