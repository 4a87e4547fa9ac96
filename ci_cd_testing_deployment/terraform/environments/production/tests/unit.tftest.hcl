# The values of the environment hold against every validation, and the parts fit together.
mock_provider "aws" {
  source = "../../mocks"
}

variables {
  state_bucket      = "test-state"
  github_repository = "owner/product"
  api_cidrs         = ["192.0.2.0/24"]
}

run "applies" {
  command = apply

  assert {
    condition     = alltrue([for value in values(output.handover) : value != "none"])
    error_message = "Every store is the cloud's."
  }
}
