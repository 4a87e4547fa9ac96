# GitHub Actions without a key: a job's token is exchanged for a role that lives as long as the job.
locals {
  issuer = "token.actions.githubusercontent.com"
  # A pull request may look. What changes the account or the cluster must come from the environment, whose
  # protection rules a person has passed.
  roles = {
    plan   = { subject = "repo:${var.repository}:pull_request", policy = data.aws_iam_policy_document.plan.json }
    apply  = { subject = "repo:${var.repository}:environment:${var.environment}", policy = data.aws_iam_policy_document.apply.json }
    deploy = { subject = "repo:${var.repository}:environment:${var.environment}", policy = data.aws_iam_policy_document.deploy.json }
  }
}

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

# One an account: every environment that shares it names the first one's.
resource "aws_iam_openid_connect_provider" "github" {
  count          = var.github_provider_arn == null ? 1 : 0
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "assume" {
  for_each = local.roles

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [var.github_provider_arn == null ? aws_iam_openid_connect_provider.github[0].arn : var.github_provider_arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = [each.value.subject]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each             = local.roles
  name                 = "${var.name}-github-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.assume[each.key].json
  permissions_boundary = aws_iam_policy.boundary.arn
  max_session_duration = 3600
}

resource "aws_iam_role_policy" "this" {
  for_each = local.roles
  name     = each.key
  role     = aws_iam_role.this[each.key].id
  policy   = each.value.policy
}

resource "aws_iam_role_policy_attachment" "plan_reads" {
  role       = aws_iam_role.this["plan"].name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/ReadOnlyAccess"
}
