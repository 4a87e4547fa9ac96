#!/usr/bin/env bash
# Run a make target and keep what it said; a benchmark's last line, which is JSON, also stands alone.
#
#   keep_result.sh TARGET FOLDER
set -euo pipefail

target=${1:?usage: keep_result.sh TARGET FOLDER} folder=${2:?usage: keep_result.sh TARGET FOLDER}
mkdir -p "$folder"
make "$target" 2>&1 | tee "$folder/$target.log"
last=$(tail -1 "$folder/$target.log")
if jq --exit-status type <<<"$last" >/dev/null 2>&1; then
    echo "$last" >"$folder/$target.json"
fi
