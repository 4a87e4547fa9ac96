mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name                      = "test"
  vpc_id                    = "vpc-1"
  subnet_ids                = ["subnet-1", "subnet-2", "subnet-3"]
  cluster_security_group_id = "sg-1"
  data_key_arn              = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  secrets_key_arn           = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  log_key_arn               = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  is_protected              = true
  postgres                  = { instance_class = "db.m7g.large", storage_gib = 100 }
  redis                     = { node_type = "cache.r7g.large" }
}

run "protected_stores_survive_a_zone_and_a_mistake" {
  command = plan

  assert {
    condition     = aws_db_instance.this.multi_az && aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot
    error_message = "PostgreSQL has a standby and is not deleted by accident."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.num_cache_clusters == 2
    error_message = "Redis has a replica that takes over."
  }

  assert {
    condition     = !anytrue([for b in aws_s3_bucket.this : b.force_destroy])
    error_message = "A bucket with something in it is not destroyed."
  }
}

run "state_is_never_evicted" {
  command = plan

  assert {
    condition     = one([for p in aws_elasticache_parameter_group.this.parameter : p.value if p.name == "maxmemory-policy"]) == "noeviction"
    error_message = "A full Redis refuses writes."
  }
}

run "the_managed_log_keeps_each_record_twice" {
  command = plan

  variables {
    kafka = { instance_type = "kafka.m7g.large", storage_gib = 200 }
  }

  assert {
    condition     = strcontains(aws_msk_configuration.this[0].server_properties, "min.insync.replicas=2")
    error_message = "An acknowledged record survives the loss of a broker."
  }

  assert {
    condition     = aws_msk_cluster.this[0].encryption_info[0].encryption_in_transit[0].client_broker == "TLS"
    error_message = "Clients speak TLS."
  }
}

run "everything_optional_applies" {
  command = apply

  variables {
    kafka         = { instance_type = "kafka.m7g.large", storage_gib = 200 }
    has_keyspaces = true
  }

  assert {
    condition     = length(aws_keyspaces_keyspace.this) == 1 && length(aws_efs_mount_target.this) == 3
    error_message = "Keyspaces and a mount target in each zone are made."
  }
}

run "clients_of_the_managed_log_can_log_in" {
  command = apply

  variables {
    kafka = { instance_type = "kafka.m7g.large", storage_gib = 200 }
  }

  assert {
    condition     = aws_msk_scram_secret_association.this[0].secret_arn_list == toset([aws_secretsmanager_secret.kafka[0].arn])
    error_message = "The brokers know the name and password that pods get."
  }

  assert {
    condition     = startswith(aws_secretsmanager_secret.kafka[0].name, "AmazonMSK_") && output.kafka_secret_arn != null
    error_message = "MSK takes secrets of this prefix alone."
  }
}

run "where_the_cluster_runs_kafka_there_is_no_login" {
  command = plan

  assert {
    condition     = output.kafka_secret_arn == null && output.kafka_bootstrap_servers == null
    error_message = "Nothing is handed over that is not there."
  }
}

run "alarms_find_each_node_of_redis" {
  command = plan

  assert {
    condition     = output.redis_node_ids == ["test-001", "test-002"]
    error_message = "Nodes are named after the group, by number."
  }
}

run "a_name_that_stores_refuse_is_refused" {
  command = plan

  variables {
    name = "Test_1"
  }

  expect_failures = [var.name]
}

run "backups_that_do_not_cover_a_holiday_are_refused" {
  command = plan

  variables {
    postgres = { instance_class = "db.m7g.large", storage_gib = 100, backup_days = 1 }
  }

  expect_failures = [var.postgres]
}
