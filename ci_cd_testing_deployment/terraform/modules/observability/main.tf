# What the cloud knows and the cluster does not: stores that fill up, and money. All else Prometheus watches.
locals {
  # ElastiCache counts by node, not by group.
  redis_alarms = {
    redis-memory = {
      description = "Redis is nearly full and will refuse writes, which stops the stream: take a larger node."
      metric      = "DatabaseMemoryUsagePercentage", threshold = 75
    }
    redis-cpu = {
      description = "Redis has one thread, and it is busy: spread the state over a Redis Cluster."
      metric      = "EngineCPUUtilization", threshold = 80
    }
  }

  postgres_alarms = {
    postgres-storage = {
      description = "PostgreSQL has less than 10 GiB left: raise max_allocated_storage, or retain less."
      namespace   = "AWS/RDS", metric = "FreeStorageSpace", operator = "LessThanThreshold"
      threshold   = 10 * 1024 * 1024 * 1024, dimensions = { DBInstanceIdentifier = var.postgres_id }
    }
    postgres-cpu = {
      description = "PostgreSQL is busy: look for slow statements, then take a larger instance."
      namespace   = "AWS/RDS", metric = "CPUUtilization", operator = "GreaterThanThreshold"
      threshold   = 85, dimensions = { DBInstanceIdentifier = var.postgres_id }
    }
  }

  alarms = merge(local.postgres_alarms, merge([
    for node in var.redis_node_ids : {
      for name, alarm in local.redis_alarms : "${name}-${node}" => merge(alarm, {
        namespace  = "AWS/ElastiCache", operator = "GreaterThanThreshold"
        dimensions = { CacheClusterId = node }
      })
    }
  ]...))
}

resource "aws_sns_topic" "this" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.log_key_arn
}

# Alarms come from this account's own topic; budgets are another service, which has to be let in by name.
resource "aws_sns_topic_policy" "this" {
  arn    = aws_sns_topic.this.arn
  policy = data.aws_iam_policy_document.topic.json
}

data "aws_caller_identity" "this" {}

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "AlarmsAndBudgets"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.this.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.this.account_id]
    }
  }
}

resource "aws_sns_topic_subscription" "this" {
  for_each  = toset(var.emails)
  topic_arn = aws_sns_topic.this.arn
  protocol  = "email"
  endpoint  = each.key
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = "Average"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  treat_missing_data  = "breaching" # a store that reports nothing is not well
  alarm_actions       = [aws_sns_topic.this.arn]
  ok_actions          = [aws_sns_topic.this.arn]
}

resource "aws_budgets_budget" "this" {
  count        = var.monthly_budget_usd == null ? 0 : 1
  name         = var.name
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:environment$%s", var.environment)]
  }

  notification {
    comparison_operator       = "GREATER_THAN"
    threshold                 = 80
    threshold_type            = "PERCENTAGE"
    notification_type         = "FORECASTED"
    subscriber_sns_topic_arns = [aws_sns_topic.this.arn]
  }

  depends_on = [aws_sns_topic_policy.this]
}
