mock_provider "aws" {
  source = "../../mocks"
}

variables {
  boundary_arn    = "arn:aws:iam::123456789012:policy/test-boundary"
  name            = "test"
  image_uri       = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/test/scorer@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  secrets_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  log_key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "callers_sign_and_floods_are_bounded" {
  command = plan

  assert {
    condition     = aws_apigatewayv2_route.score.authorization_type == "AWS_IAM"
    error_message = "Nobody asks without a role."
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 50
    error_message = "A flood costs at most so many instances."
  }
}

run "an_image_by_tag_is_refused" {
  command = plan

  variables {
    image_uri = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/test/scorer:latest"
  }

  expect_failures = [var.image_uri]
}

run "no_code_is_refused" {
  command = plan

  variables {
    image_uri = null
  }

  expect_failures = [aws_lambda_function.this]
}

run "a_time_out_above_the_gateway_s_is_refused" {
  command = plan

  variables {
    timeout_s = 60
  }

  expect_failures = [var.timeout_s]
}
