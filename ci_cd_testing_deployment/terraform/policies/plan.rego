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
	"aws_db_instance": "storage_encrypted",
	"aws_efs_file_system": "encrypted",
	"aws_elasticache_replication_group": "at_rest_encryption_enabled",
}

deny contains message if {
	some resource in changed
	attribute := encrypted_by[resource.type]
	not resource.change.after[attribute]
	message := sprintf("%s: %s must be true, as every store is encrypted", [resource.address, attribute])
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
	resource.type == "aws_vpc_security_group_ingress_rule"
	resource.change.after.cidr_ipv4 == "0.0.0.0/0"
	message := sprintf("%s: no store is open to every address", [resource.address])
}

deny contains message if {
	some resource in changed
	resource.type in {"aws_db_instance"}
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
	not endswith(resource.address, ".boundary") # a boundary allows nothing by itself
	some statement in statements(resource)
	statement.Effect == "Allow"
	"*" in as_set(statement.Action)
	message := sprintf("%s: nobody may do everything", [resource.address])
}

deny contains message if {
	some resource in changed
	resource.type in {"aws_iam_user", "aws_iam_access_key"}
	message := sprintf("%s: there are no users and no keys, roles are taken by a token", [resource.address])
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

statements(resource) := json.unmarshal(resource.change.after.policy).Statement if {
	is_string(resource.change.after.policy)
}

as_set(value) := {value} if is_string(value)

as_set(value) := {item | some item in value} if is_array(value)
