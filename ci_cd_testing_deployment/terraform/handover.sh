#!/usr/bin/env bash
# Write what the cluster's overlay needs of the cloud: names, addresses and roles, no secrets.
#
#   handover.sh dev|staging|production        writes kubernetes/overlays/ENVIRONMENT/cloud.env
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" "$@"

target=${FRAUD_HANDOVER:-$here/../kubernetes/overlays/$environment/cloud.env}
initialise
values=$(terraform output -json handover)
{
    echo "# Written by terraform/handover.sh $environment."
    jq -r 'to_entries | sort_by(.key)[] | "\(.key)=\(.value)"' <<<"$values"
} >"$target.partial"
mv "$target.partial" "$target"
echo "wrote $(basename "$target") with $(jq length <<<"$values") values"
