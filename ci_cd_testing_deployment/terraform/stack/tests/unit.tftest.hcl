mock_provider "aws" {
  source = "../mocks"
}

variables {
  environment        = "dev"
  region             = "eu-central-1"
  zones              = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  cidr               = "10.40.0.0/16"
  is_protected       = false
  kubernetes_version = "1.35"
  github_repository  = "owner/product"
  state_bucket       = "test-state"
  node_groups        = { services = { instance_types = ["m7i.large"], min_size = 2, max_size = 4 } }
  postgres           = { instance_class = "db.t4g.medium", storage_gib = 50 }
  redis              = { node_type = "cache.t4g.medium" }
}

run "the_handover_names_everything_and_no_secret" {
  command = apply

  assert {
    condition     = alltrue([for value in values(output.handover) : value != null && value != ""])
    error_message = "The overlay finds every value."
  }

  assert {
    condition     = !anytrue([for value in values(output.handover) : strcontains(value, "mockedmocked")])
    error_message = "No password leaves the state."
  }
}

run "production_without_protection_is_refused" {
  command = plan

  variables {
    environment = "production"
  }

  expect_failures = [var.is_protected]
}

run "an_unknown_environment_is_refused" {
  command = plan

  variables {
    environment = "qa"
  }

  expect_failures = [var.environment]
}
