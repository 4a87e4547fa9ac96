mock_provider "aws" {
  source = "../../mocks"
}

variables {
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
