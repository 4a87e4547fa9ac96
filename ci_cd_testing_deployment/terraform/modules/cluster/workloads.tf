# Roles of workloads: a service account's token buys exactly its role, so no pod holds a key.
locals {
  # An emulator's issuer has the scheme http; AWS's is always https.
  issuer = replace(aws_eks_cluster.this.identity[0].oidc[0].issuer, "/^https?:[/][/]/", "")

  # Drivers of volumes: nodes do not lend them their rights.
  drivers = {
    aws-ebs-csi-driver = { service_account = "ebs-csi-controller-sa", policy = "AmazonEBSCSIDriverPolicy" }
    aws-efs-csi-driver = { service_account = "efs-csi-controller-sa", policy = "AmazonEFSCSIDriverPolicy" }
  }
  accounts = merge(
    { for name, workload in var.workloads : name => "${workload.namespace}:${workload.service_account}" },
    { for name, driver in local.drivers : name => "kube-system:${driver.service_account}" },
  )
}

resource "aws_iam_openid_connect_provider" "this" {
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "account" {
  for_each = local.accounts

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.this.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["system:serviceaccount:${each.value}"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "workload" {
  for_each             = var.workloads
  name                 = "${var.name}-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.account[each.key].json
  permissions_boundary = var.boundary_arn
}

resource "aws_iam_role_policy" "workload" {
  for_each = var.workloads
  name     = "workload"
  role     = aws_iam_role.workload[each.key].id
  policy   = each.value.policy
}

resource "aws_iam_role" "driver" {
  for_each             = { for name, driver in local.drivers : name => driver if contains(keys(var.addons), name) }
  name                 = "${var.name}-${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.account[each.key].json
  permissions_boundary = var.boundary_arn
}

resource "aws_iam_role_policy_attachment" "driver" {
  for_each   = aws_iam_role.driver
  role       = each.value.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/${local.drivers[each.key].policy}"
}
