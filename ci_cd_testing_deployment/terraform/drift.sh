#!/usr/bin/env bash
# Compare an environment with what is there. Exit 0: no difference; 2: differences, which are listed.
#
#   drift.sh dev|staging|production [GAPS]    GAPS: file of ADDRESS:ATTRIBUTE lines that are not counted
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" "$@"

gaps=${2:+$(cd "$OLDPWD" && realpath "$2")}
report=$(mktemp -d)
trap 'rm -rf "$report"' EXIT
initialise
terraform plan -no-color -lock-timeout=5m -out="$report/plan" >/dev/null
terraform show -json "$report/plan" >"$report/plan.json"
python3 "$here/drift.py" "$report/plan.json" ${gaps:+"$gaps"}
