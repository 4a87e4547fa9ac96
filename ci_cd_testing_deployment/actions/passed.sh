#!/usr/bin/env bash
# Say whether all jobs passed. One that had nothing to check counts as passed.
#
#   passed.sh '["success", "skipped", ...]'
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: $0 JSON-LIST-OF-RESULTS" >&2; exit 2; }
bad=$(jq --raw-output '[.[] | select(. != "success" and . != "skipped")] | join(" ")' <<<"$1")
if [ "$(jq length <<<"$1")" -eq 0 ] || [ -n "$bad" ]; then
    echo "not passed: ${bad:-no job ran}" >&2
    exit 1
fi
echo "passed"
