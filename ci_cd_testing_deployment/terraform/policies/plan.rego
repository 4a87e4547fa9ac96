# What no plan may hold, whatever the modules say. Input: `terraform show -json PLAN`.
package main

import rego.v1

changed contains resource if {
	some resource in input.resource_changes
	some action in resource.change.actions
	action in {"create", "update"}
}

# --- encryption

encrypted_by := {
	"aws_cloudwatch_log_group": {"kms_key_id"},
	"aws_db_instance": {"storage_encrypted", "kms_key_id"},
	"aws_efs_file_system": {"encrypted", "kms_key_id"},
	"aws_eks_cluster": {"encryption_config"},
	"aws_elasticache_replication_group": {"at_rest_encryption_enabled", "transit_encryption_enabled", "kms_key_id"},
	"aws_lambda_function": {"kms_key_arn"},
	"aws_msk_cluster": {"encryption_info"},
	"aws_secretsmanager_secret": {"kms_key_id"},
	"aws_sns_topic": {"kms_master_key_id"},
}

deny contains message if {
	some resource in changed
	some attribute in encrypted_by[resource.type]
	not is_set(resource, attribute)
	message := sprintf("%s: %s must be set, as everything is encrypted by a key of ours", [resource.address, attribute])
}

deny contains message if {
	some resource in changed
	resource.type == "aws_ecr_repository"
	not "KMS" in {configuration.encryption_type | some configuration in resource.change.after.encryption_configuration}
	message := sprintf("%s: layers are encrypted by a key of ours", [resource.address])
}

deny contains message if {
	some resource in changed
	resource.type == "aws_s3_bucket_server_side_encryption_configuration"
	some rule in resource.change.after.rule
	some key in rule.apply_server_side_encryption_by_default
	key.sse_algorithm != "aws:kms"
	message := sprintf("%s: objects are encrypted by a key of ours", [resource.address])
}

deny contains message if {
	some resource in changed
	resource.type == "aws_kms_key"
	not resource.change.after.enable_key_rotation
	message := sprintf("%s: keys rotate", [resource.address])
}

# --- the network

deny contains message if {
	some resource in changed
	some range in opened(resource)
	range in {"0.0.0.0/0", "::/0"}
	message := sprintf("%s: nothing is open to every address", [resource.address])
}

opened(resource) := {resource.change.after[name] | some name in {"cidr_ipv4", "cidr_ipv6"}} if {
	resource.type == "aws_vpc_security_group_ingress_rule"
}

opened(resource) := {range |
	some rule in resource.change.after.ingress
	some name in {"cidr_blocks", "ipv6_cidr_blocks"}
	some range in rule[name]
} if {
	resource.type in {"aws_security_group", "aws_default_security_group"}
}

opened(resource) := {range |
	some name in {"cidr_blocks", "ipv6_cidr_blocks"}
	some range in resource.change.after[name]
} if {
	resource.type == "aws_security_group_rule"
	resource.change.after.type == "ingress"
}

deny contains message if {
	some resource in changed
	resource.type == "aws_db_instance"
	resource.change.after.publicly_accessible
	message := sprintf("%s: no store has a public address", [resource.address])
}

deny contains message if {
	some resource in changed
	resource.type == "aws_eks_cluster"
	some vpc in resource.change.after.vpc_config
	vpc.endpoint_public_access
	"0.0.0.0/0" in vpc.public_access_cidrs
	message := sprintf("%s: the API server is not open to every address", [resource.address])
}

# --- rights

deny contains message if {
	some resource in changed
	resource.type in {"aws_iam_role_policy", "aws_iam_policy"}
	some statement in statements(resource)
	statement.Effect == "Allow"
	"*" in as_set(statement.Action)
	message := sprintf("%s: nobody may do everything", [resource.address])
}

# All of a service, for all that it holds, wherever: a prefix of names or a condition has to bound it.
deny contains message if {
	some resource in changed
	resource.type in {"aws_iam_role_policy", "aws_iam_policy"}
	not endswith(resource.address, ".boundary") # a boundary allows nothing by itself
	some statement in statements(resource)
	statement.Effect == "Allow"
	some action in as_set(statement.Action)
	endswith(action, ":*")
	"*" in as_set(statement.Resource)
	not statement.Condition
	message := sprintf("%s: %s needs a resource or a condition", [resource.address, action])
}

deny contains message if {
	some resource in changed
	resource.type == "aws_iam_role"
	not is_set(resource, "permissions_boundary")
	message := sprintf("%s: every role has a boundary", [resource.address])
}

deny contains message if {
	some resource in changed
	resource.type in {"aws_iam_user", "aws_iam_access_key"}
	message := sprintf("%s: there are no users and no keys, roles are taken by a token", [resource.address])
}

# --- costs

# A block of the provider tags all that can be tagged; a resource without its tags was made by another.
deny contains message if {
	some resource in changed
	tags := resource.change.after.tags_all
	some name in {"product", "environment", "managed-by"}
	not tags[name]
	message := sprintf("%s: the tag %s is missing, by which costs are counted", [resource.address, name])
}

# --- production

deny contains message if {
	some resource in changed
	input.variables.environment.value == "production"
	resource.type == "aws_db_instance"
	not resource.change.after.deletion_protection
	message := sprintf("%s: production is protected from deletion", [resource.address])
}

deny contains message if {
	some resource in input.resource_changes
	"delete" in resource.change.actions
	resource.type in {"aws_db_instance", "aws_elasticache_replication_group", "aws_efs_file_system", "aws_s3_bucket", "aws_msk_cluster", "aws_kms_key"}
	message := sprintf("%s: the plan deletes what holds data; do that by hand, after a backup", [resource.address])
}

# Known to be set, or to be known once something else is made.
is_set(resource, attribute) if not resource.change.after[attribute] in {false, null, "", []}

is_set(resource, attribute) if resource.change.after_unknown[attribute]

statements(resource) := json.unmarshal(resource.change.after.policy).Statement if {
	is_string(resource.change.after.policy)
}

as_set(value) := {value} if is_string(value)

as_set(value) := {item | some item in value} if is_array(value)
