# Roles of workloads: a service account's token buys exactly its role, so no pod holds a key.
locals {
  # An emulator's issuer has the scheme http; AWS's is always https.
  issuer = replace(aws_eks_cluster.this.identity[0].oidc[0].issuer, "/^https?:[/][/]/", "")
}

resource "aws_iam_openid_connect_provider" "this" {
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "workload" {
  for_each = var.workloads

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.this.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["system:serviceaccount:${each.value.namespace}:${each.value.service_account}"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "workload" {
  for_each           = var.workloads
  name               = "${var.name}-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.workload[each.key].json
}

resource "aws_iam_role_policy" "workload" {
  for_each = var.workloads
  name     = "workload"
  role     = aws_iam_role.workload[each.key].id
  policy   = each.value.policy
}
