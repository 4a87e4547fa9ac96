#!/usr/bin/env bash
# Hold a plan against the policies: `terraform show -json` on one side, policies/*.rego on the other.
#
#   check_plan.sh PLAN.json
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
plan=${1:?usage: check_plan.sh PLAN.json}
conftest=$(command -v conftest || echo "$root/${FRAUD_SHIP_CACHE:-.cache/ship}/bin/conftest")
[ -x "$conftest" ] || { echo "conftest is missing: make it with ci_cd_testing_deployment/actions/tools.sh conftest" >&2; exit 1; }
"$conftest" test --no-color --policy "$here/policies" "$plan"
