# A scorer that costs nothing while nobody asks: for batches of small customers and for the loss of the cluster.
resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_116:the caller waits for the answer and asks again; no event is lost
  #checkov:skip=CKV_AWS_272:what runs is named by the digest of its image, which is signed when it is built
  function_name                  = "${var.name}-scorer"
  description                    = "Scores feature vectors"
  role                           = aws_iam_role.this.arn
  package_type                   = var.image_uri == null ? "Zip" : "Image"
  image_uri                      = var.image_uri
  filename                       = var.zip_file
  source_code_hash               = var.zip_file == null ? null : filebase64sha256(var.zip_file)
  runtime                        = var.image_uri == null ? "python3.11" : null
  handler                        = var.image_uri == null ? var.handler : null
  architectures                  = ["x86_64"]
  memory_size                    = var.memory_mib
  timeout                        = var.timeout_s
  reserved_concurrent_executions = var.concurrency
  kms_key_arn                    = var.secrets_key_arn

  tracing_config {
    mode = "Active"
  }

  environment {
    variables = var.settings
  }

  dynamic "vpc_config" {
    for_each = length(var.subnet_ids) > 0 ? [1] : []

    content {
      subnet_ids         = var.subnet_ids
      security_group_ids = var.security_group_ids
    }
  }

  lifecycle {
    precondition {
      condition     = (var.image_uri == null) != (var.zip_file == null)
      error_message = "Give either image_uri or zip_file."
    }
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

data "aws_partition" "this" {}

resource "aws_iam_role" "this" {
  name                 = "${var.name}-scorer"
  assume_role_policy   = data.aws_iam_policy_document.assume.json
  permissions_boundary = var.boundary_arn
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "this" {
  statement {
    sid       = "Logs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this["/aws/lambda/${var.name}-scorer"].arn}:*"]
  }

  statement {
    sid       = "Environment"
    actions   = ["kms:Decrypt"]
    resources = [var.secrets_key_arn]
  }

  statement {
    sid       = "Traces"
    actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "this" {
  name   = "scorer"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.this.json
}

resource "aws_iam_role_policy_attachment" "vpc" {
  count      = length(var.subnet_ids) > 0 ? 1 : 0
  role       = aws_iam_role.this.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
}

resource "aws_cloudwatch_log_group" "this" {
  for_each          = toset(["/aws/lambda/${var.name}-scorer", "/aws/apigateway/${var.name}"])
  name              = each.key
  retention_in_days = 365
  kms_key_id        = var.log_key_arn
}
