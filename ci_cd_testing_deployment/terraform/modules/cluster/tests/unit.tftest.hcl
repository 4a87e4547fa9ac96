mock_provider "aws" {
  source = "../../mocks"
}

variables {
  boundary_arn       = "arn:aws:iam::123456789012:policy/test-boundary"
  name               = "test"
  kubernetes_version = "1.35"
  subnet_ids         = ["subnet-1", "subnet-2"]
  secrets_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  data_key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  log_key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"

  node_groups = {
    services = { instance_types = ["m7i.large"], min_size = 2, max_size = 4 }
    spark    = { instance_types = ["c7i.xlarge"], min_size = 0, max_size = 2, is_tainted = true }
  }

  workloads = {
    backup = { namespace = "fraudstream", service_account = "backup", policy = "{}" }
  }
}

run "the_api_server_is_private_unless_networks_are_named" {
  command = plan

  assert {
    condition     = !aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    error_message = "Without api_cidrs nobody outside reaches the API server."
  }
}

run "spark_keeps_to_its_own_nodes" {
  command = plan

  assert {
    condition     = length(aws_eks_node_group.this["spark"].taint) == 1 && length(aws_eks_node_group.this["services"].taint) == 0
    error_message = "Only the group of spark is tainted."
  }

  assert {
    condition     = alltrue([for t in aws_launch_template.node : t.metadata_options[0].http_tokens == "required"])
    error_message = "Nodes answer the second version of the metadata service alone."
  }
}

run "drivers_of_volumes_have_rights_of_their_own" {
  command = apply

  assert {
    condition = alltrue([
      for name in ["aws-ebs-csi-driver", "aws-efs-csi-driver"] :
      aws_eks_addon.this[name].service_account_role_arn == aws_iam_role.driver[name].arn
    ]) && aws_eks_addon.this["coredns"].service_account_role_arn == null
    error_message = "The driver of a volume has a role, other add-ons have none."
  }
}

run "every_role_is_bounded" {
  command = plan

  assert {
    condition = alltrue([
      for role in concat([aws_iam_role.cluster, aws_iam_role.node], values(aws_iam_role.workload), values(aws_iam_role.driver)) :
      role.permissions_boundary == var.boundary_arn
    ])
    error_message = "Whoever may make roles cannot make one that may do more."
  }
}

run "what_nodes_are_made_of_is_tagged" {
  command = plan

  assert {
    condition     = alltrue([for t in aws_launch_template.node : toset(t.tag_specifications[*].resource_type) == toset(["instance", "volume"])])
    error_message = "Instances and disks carry the tags by which costs are counted."
  }
}

run "workloads_trust_the_cluster_s_issuer" {
  command = apply

  assert {
    condition     = aws_iam_openid_connect_provider.this.url == "https://oidc.example/id/MOCK"
    error_message = "The identity provider is the cluster's own."
  }

  assert {
    condition     = toset(keys(output.workload_role_arns)) == toset(["backup"])
    error_message = "Each workload has a role."
  }
}

run "an_open_api_server_is_refused" {
  command = plan

  variables {
    api_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.api_cidrs]
}

run "more_nodes_at_least_than_at_most_are_refused" {
  command = plan

  variables {
    node_groups = { services = { instance_types = ["m7i.large"], min_size = 5, max_size = 4 } }
  }

  expect_failures = [var.node_groups]
}
