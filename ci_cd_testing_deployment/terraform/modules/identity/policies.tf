# Planning reads the state and holds its lock for as long as it takes.
data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "State"
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = [var.state_bucket_arn, "${var.state_bucket_arn}/*"]
  }

  statement {
    sid       = "Lock"
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["${var.state_bucket_arn}/*.tflock"]
  }

  # ReadOnlyAccess would let a pull request read what the stores and secrets hold.
  statement {
    sid       = "NoContent"
    effect    = "Deny"
    actions   = ["secretsmanager:GetSecretValue", "kms:Decrypt", "dynamodb:GetItem", "ssm:GetParameter*"]
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "apply" {
  # Terraform makes what the modules name, services by their prefix; the boundary keeps the rest away.
  statement {
    sid = "Platform"
    actions = [
      "ec2:*", "eks:*", "ecr:*", "rds:*", "elasticache:*", "elasticfilesystem:*", "kafka:*", "cassandra:*",
      "kms:*", "logs:*", "cloudwatch:*", "sns:*", "lambda:*", "apigateway:*", "budgets:*", "secretsmanager:*",
    ]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [var.region]
    }
  }

  statement {
    sid       = "Buckets"
    actions   = ["s3:*"]
    resources = [var.state_bucket_arn, "${var.state_bucket_arn}/*", "arn:${data.aws_partition.this.partition}:s3:::${var.name}-*"]
  }

  statement {
    sid = "Roles"
    actions = [
      "iam:GetRole", "iam:CreateRole", "iam:DeleteRole", "iam:TagRole", "iam:PassRole", "iam:UpdateAssumeRolePolicy",
      "iam:PutRolePolicy", "iam:GetRolePolicy", "iam:DeleteRolePolicy", "iam:ListRolePolicies", "iam:AttachRolePolicy",
      "iam:DetachRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
    ]
    resources = ["arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:role/${var.name}-*"]
  }

  statement {
    sid       = "IdentityProviders"
    actions   = ["iam:*OpenIDConnectProvider*"]
    resources = ["arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:oidc-provider/*"]
  }
}

data "aws_iam_policy_document" "deploy" {
  statement {
    sid       = "LogIn"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid = "Push"
    actions = [
      "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
    ]
    resources = var.repository_arns
  }

  statement {
    sid       = "FindCluster"
    actions   = ["eks:DescribeCluster"]
    resources = ["arn:${data.aws_partition.this.partition}:eks:${var.region}:${data.aws_caller_identity.this.account_id}:cluster/${var.name}"]
  }
}

# The most that any of the roles can ever do, whatever is attached to it later.
resource "aws_iam_policy" "boundary" {
  name   = "${var.name}-github-boundary"
  policy = data.aws_iam_policy_document.boundary.json
}

data "aws_iam_policy_document" "boundary" {
  statement {
    sid       = "Most"
    actions   = ["*"]
    resources = ["*"]
  }

  statement {
    sid    = "NoKeysNoUsersNoWayOut"
    effect = "Deny"
    actions = [
      "iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:DeleteRolePermissionsBoundary",
      "organizations:*", "account:*",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "BoundaryStays"
    effect    = "Deny"
    actions   = ["iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion"]
    resources = ["arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:policy/${var.name}-github-boundary"]
  }
}
