mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name             = "test"
  region           = "eu-central-1"
  environment      = "staging"
  repository       = "owner/product"
  repository_arns  = ["arn:aws:ecr:eu-central-1:123456789012:repository/test/pipeline"]
  state_bucket_arn = "arn:aws:s3:::test-state"
}

run "only_the_environment_s_jobs_change_anything" {
  command = plan

  assert {
    condition     = alltrue([for name in ["apply", "deploy"] : local.roles[name].subjects == ["repo:owner/product:environment:staging"]])
    error_message = "Roles that change something belong to the environment."
  }

  assert {
    condition     = !contains(local.roles["plan"].subjects, "repo:owner/product:pull_request")
    error_message = "A plan reads the state, so a pull request makes one only where that is allowed."
  }

  assert {
    condition     = contains(local.roles["plan"].subjects, "repo:owner/product:ref:refs/heads/main")
    error_message = "The daily look for drift runs on main."
  }
}

run "a_pull_request_looks_where_that_is_allowed" {
  command = plan

  variables {
    pull_requests_plan = true
  }

  assert {
    condition     = contains(local.roles["plan"].subjects, "repo:owner/product:pull_request")
    error_message = "It looks."
  }

  assert {
    condition     = !contains(concat(local.roles["apply"].subjects, local.roles["deploy"].subjects), "repo:owner/product:pull_request")
    error_message = "It changes nothing."
  }
}

run "every_role_is_bounded_and_short_lived" {
  command = apply

  assert {
    condition     = alltrue([for r in aws_iam_role.this : r.permissions_boundary != null && r.max_session_duration <= 3600])
    error_message = "Each role has the boundary and lasts an hour at most."
  }
}

run "an_account_has_one_provider" {
  command = plan

  variables {
    github_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "A provider that is there is used."
  }
}

run "a_wildcard_of_repositories_is_refused" {
  command = plan

  variables {
    repository = "owner/*"
  }

  expect_failures = [var.repository]
}
