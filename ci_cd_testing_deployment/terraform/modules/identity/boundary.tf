# The most that any role here can ever do, whatever is attached to it later. Whoever may make roles may only make bounded ones,
# so no job can lend itself more than it has. A person changes the boundary, no job does.
resource "aws_iam_policy" "boundary" {
  name   = "${var.name}-boundary"
  policy = data.aws_iam_policy_document.boundary.json
}

data "aws_iam_policy_document" "boundary" {
  #checkov:skip=CKV_AWS_107:a boundary gives nothing, it takes away; what roles may do is in their own policies
  #checkov:skip=CKV_AWS_108:as above
  #checkov:skip=CKV_AWS_109:as above
  #checkov:skip=CKV_AWS_110:as above
  #checkov:skip=CKV_AWS_111:as above
  #checkov:skip=CKV_AWS_356:as above
  statement {
    sid = "Platform"
    actions = [
      "apigateway:*", "autoscaling:*", "budgets:*", "cassandra:*", "cloudwatch:*", "ec2:*", "ec2messages:*", "ecr:*", "eks:*",
      "elasticache:*", "elasticfilesystem:*", "elasticloadbalancing:*", "iam:*", "kafka:*", "kms:*", "lambda:*", "logs:*",
      "rds:*", "s3:*", "secretsmanager:*", "sns:*", "ssm:*", "sts:*", "tag:*", "xray:*",
    ]
    resources = ["*"]
  }

  statement {
    sid    = "NoUsersNoKeys"
    effect = "Deny"
    actions = [
      "iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreateGroup", "iam:DeleteRolePermissionsBoundary",
    ]
    resources = ["*"]
  }

  statement {
    sid    = "BoundaryStays"
    effect = "Deny"
    actions = [
      "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:SetDefaultPolicyVersion",
    ]
    resources = [local.boundary_arn]
  }
}
