#!/usr/bin/env bash
# List what an image holds, as CycloneDX.
#
#   sbom.sh IMAGE FILE        IMAGE: a tag that the local engine knows
set -euo pipefail

[ $# -eq 2 ] || { echo "usage: $0 IMAGE FILE" >&2; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ -x "$root/.venvs/checkers/bin/syft" ] || "$root/ci_cd_testing_deployment/actions/tools.sh" checkers
mkdir -p "$(dirname "$2")"
SYFT_CHECK_FOR_APP_UPDATE=false "$root/.venvs/checkers/bin/syft" scan --quiet "docker:$1" --output "cyclonedx-json=$2"
echo "$2: $(jq '.components | length' "$2") components"
