mock_provider "aws" {
  source = "../../mocks"
}

variables {
  images  = ["decision-api", "pipeline"]
  key_arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "tags_never_move_and_layers_are_scanned" {
  command = plan

  assert {
    condition = alltrue([
      for r in aws_ecr_repository.this :
      r.image_tag_mutability == "IMMUTABLE" && r.image_scanning_configuration[0].scan_on_push && !r.force_delete
    ])
    error_message = "A deployed tag must mean the same bytes for ever."
  }
}

run "too_few_versions_to_go_back_to_are_refused" {
  command = plan

  variables {
    kept_versions = 2
  }

  expect_failures = [var.kept_versions]
}

run "no_image_is_refused" {
  command = plan

  variables {
    images = []
  }

  expect_failures = [var.images]
}
