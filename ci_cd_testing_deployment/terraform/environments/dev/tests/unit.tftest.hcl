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
    condition     = output.handover.KAFKA_SECRET_ARN == "none" && output.handover.FILE_SYSTEM_ID != "none"
    error_message = "The cluster runs Kafka itself, and has shared volumes."
  }
}
