#!/usr/bin/env bash
# Plan an environment and save the plan. What it says is what apply.sh does, and nothing else.
#
#   plan.sh dev|staging|production [PLAN]     PLAN: file of the plan, plan.tfplan in the environment's folder by default
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" "$@"

plan=${2:-plan.tfplan}
initialise
terraform plan -no-color -lock-timeout=5m -out="$plan"
terraform show -json "$plan" >"$plan.json"
"$here/check_plan.sh" "$plan.json"
