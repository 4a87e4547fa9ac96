mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name           = "test"
  environment    = "dev"
  postgres_id    = "test"
  redis_node_ids = ["test-001", "test-002"]
  log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "silence_of_a_store_is_an_alarm" {
  command = plan

  assert {
    condition     = alltrue([for a in aws_cloudwatch_metric_alarm.this : a.treat_missing_data == "breaching"])
    error_message = "A store that reports nothing is not well."
  }

  assert {
    condition     = length(aws_budgets_budget.this) == 0
    error_message = "Without a limit no budget is watched."
  }
}

run "each_node_of_redis_is_watched" {
  command = plan

  assert {
    condition = toset([
      for a in aws_cloudwatch_metric_alarm.this : a.dimensions["CacheClusterId"] if a.namespace == "AWS/ElastiCache"
    ]) == toset(["test-001", "test-002"])
    error_message = "ElastiCache counts by node."
  }
}

run "redis_without_a_node_is_refused" {
  command = plan

  variables {
    redis_node_ids = []
  }

  expect_failures = [var.redis_node_ids]
}

run "spending_is_watched_where_a_limit_is_named" {
  command = apply

  variables {
    monthly_budget_usd = 500
    emails             = ["alarms@example.org"]
  }

  assert {
    condition     = one(aws_budgets_budget.this[0].cost_filter).values[0] == "user:environment$dev"
    error_message = "Costs are counted by the environment's tag."
  }
}

run "a_budget_of_nothing_is_refused" {
  command = plan

  variables {
    monthly_budget_usd = 0
  }

  expect_failures = [var.monthly_budget_usd]
}
