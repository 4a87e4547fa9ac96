# GitHub Actions without a key: a job's token is exchanged for a role that lives as long as the job.
locals {
  issuer       = "token.actions.githubusercontent.com"
  account      = data.aws_caller_identity.this.account_id
  partition    = data.aws_partition.this.partition
  role_arns    = "arn:${local.partition}:iam::${local.account}:role/${var.name}-*"
  boundary_arn = "arn:${local.partition}:iam::${local.account}:policy/${var.name}-boundary"

  # A job of the environment has passed the rules that protect it, and what is on main has been reviewed. A plan reads the
  # state, and with it the stores' first passwords, so a pull request plans only where those protect nothing.
  protected = ["repo:${var.repository}:environment:${var.environment}"]
  planning = concat(
    local.protected, ["repo:${var.repository}:ref:refs/heads/main"],
    var.pull_requests_plan ? ["repo:${var.repository}:pull_request"] : [],
  )
  roles = {
    plan   = { subjects = local.planning, policy = data.aws_iam_policy_document.plan.json }
    apply  = { subjects = local.protected, policy = data.aws_iam_policy_document.apply.json }
    deploy = { subjects = local.protected, policy = data.aws_iam_policy_document.deploy.json }
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
      values   = each.value.subjects
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
