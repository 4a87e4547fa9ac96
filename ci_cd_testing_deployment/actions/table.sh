#!/usr/bin/env bash
# Tell a job which images there are and where this repository's are pushed.
#
#   table.sh        writes `images` (JSON) and `registry` to the job's outputs, or shows them
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# Names in registries have no capitals.
owner=${GITHUB_REPOSITORY:-local/fraudstream}
{
    echo "images=$(python3 -m ci_cd_testing_deployment.docker.images --json | jq --compact-output 'map(.name)')"
    echo "registry=ghcr.io/${owner,,}"
} | tee -a "${GITHUB_OUTPUT:-/dev/null}"
