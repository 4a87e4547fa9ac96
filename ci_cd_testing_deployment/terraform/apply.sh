#!/usr/bin/env bash
# Apply a plan that plan.sh saved; one that no longer fits the state is refused by Terraform.
#
#   apply.sh dev|staging|production [PLAN]
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" "$@"

plan=${2:-plan.tfplan}
[ -s "$plan" ] || { echo "there is no plan $plan: make one with plan.sh $environment" >&2; exit 1; }
initialise
terraform apply -no-color -lock-timeout=5m "$plan"
rm -f "$plan" "$plan.json"
"$here/handover.sh" "$environment"
