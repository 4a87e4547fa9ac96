resource "aws_apigatewayv2_api" "this" {
  name          = var.name
  description   = "HTTP door of the scorer"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "this" {
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.this.invoke_arn
  payload_format_version = "2.0"
}

# Callers sign their requests with their role; there is no key to leak.
resource "aws_apigatewayv2_route" "score" {
  api_id             = aws_apigatewayv2_api.this.id
  route_key          = "POST /v1/models/{name}/score"
  target             = "integrations/${aws_apigatewayv2_integration.this.id}"
  authorization_type = "AWS_IAM"
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.requests_per_s
    throttling_burst_limit = 2 * var.requests_per_s
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.this["/aws/apigateway/${var.name}"].arn
    format = jsonencode({
      request_id = "$context.requestId"
      route      = "$context.routeKey"
      status     = "$context.status"
      latency_ms = "$context.responseLatency"
      caller     = "$context.identity.userArn"
    })
  }
}

resource "aws_lambda_permission" "gateway" {
  statement_id  = "gateway"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.this.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*"
}
