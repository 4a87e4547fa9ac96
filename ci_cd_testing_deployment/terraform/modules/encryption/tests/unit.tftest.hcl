mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name   = "test"
  region = "eu-central-1"
}

run "every_key_rotates_and_has_a_name" {
  command = plan

  assert {
    condition     = alltrue([for key in aws_kms_key.this : key.enable_key_rotation && key.rotation_period_in_days == 365])
    error_message = "Keys rotate every year."
  }

  assert {
    condition     = toset(keys(aws_kms_alias.this)) == toset(["data", "logs", "secrets"])
    error_message = "There is a key for each kind of reader."
  }
}

run "nodes_can_open_their_disks_and_logs_their_groups" {
  command = plan

  assert {
    condition = toset(flatten([
      for s in data.aws_iam_policy_document.key["data"].statement : s.actions if s.sid == "Disks"
    ])) == toset(["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey", "kms:CreateGrant"])
    error_message = "The role that starts nodes may use the key of stores, by way of EC2."
  }

  assert {
    condition     = length([for s in data.aws_iam_policy_document.key["secrets"].statement : s if s.sid != "AccountDecides"]) == 0
    error_message = "No service reads secrets by the key's own policy."
  }
}

run "a_short_rotation_is_refused" {
  command = plan

  variables {
    rotation_days = 30
  }

  expect_failures = [var.rotation_days]
}

run "a_deletion_that_cannot_be_taken_back_is_refused" {
  command = plan

  variables {
    deletion_window_days = 1
  }

  expect_failures = [var.deletion_window_days]
}
