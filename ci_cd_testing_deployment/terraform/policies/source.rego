# What the source of a module may not hold whose provider is not at hand, so that no plan shows it. Input: a file of HCL.
package source

import rego.v1

resources[kind] contains [name, body] if {
	some kind, named in input.resource
	some name, bodies in named
	some body in bodies
}

deny contains message if {
	some kind in {"google_service_account_key", "google_storage_hmac_key"}
	some [name, _] in resources[kind]
	message := sprintf("%s.%s: there are no keys, accounts are taken by a token", [kind, name])
}

deny contains message if {
	some [name, body] in resources.google_bigquery_dataset
	not body.default_encryption_configuration
	message := sprintf("google_bigquery_dataset.%s: everything is encrypted by a key of ours", [name])
}

deny contains message if {
	some [name, body] in resources.google_bigquery_dataset
	object.get(body, "delete_contents_on_destroy", false) != false
	message := sprintf("google_bigquery_dataset.%s: tables do not go with their dataset", [name])
}

deny contains message if {
	some [name, body] in resources.google_bigquery_table
	some attribute in {"deletion_protection", "require_partition_filter", "encryption_configuration"}
	not body[attribute]
	message := sprintf("google_bigquery_table.%s: %s must be set", [name, attribute])
}

deny contains message if {
	some kind, _ in resources
	endswith(kind, "_iam_member")
	some [name, body] in resources[kind]
	body.member in {"allUsers", "allAuthenticatedUsers"}
	message := sprintf("%s.%s: nothing is open to everybody", [kind, name])
}

deny contains message if {
	some kind, _ in resources
	some [name, body] in resources[kind]
	body.role in {"roles/owner", "roles/editor", "roles/bigquery.admin"}
	message := sprintf("%s.%s: %s gives too much", [kind, name, body.role])
}

deny contains message if {
	some [name, body] in resources.google_iam_workload_identity_pool_provider
	not body.attribute_condition
	message := sprintf("google_iam_workload_identity_pool_provider.%s: any token of the issuer would do", [name])
}
