#!/usr/bin/env bash
# Say where Terraform finds its providers, as lines to eval. With an unpacked mirror on this machine
# (FRAUD_PROVIDER_MIRROR, or /opt/tf-plugins) nothing is downloaded; without one Terraform does as it always does.
#
#   eval "$(provider.sh)"
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(cd "$root" && mkdir -p "${FRAUD_SHIP_CACHE:-.cache/ship}/infra" && cd "${FRAUD_SHIP_CACHE:-.cache/ship}/infra" && pwd)
mirror=${FRAUD_PROVIDER_MIRROR:-/opt/tf-plugins}

config=$work/cli.tfrc
{
    echo 'disable_checkpoint = true'
    if [ -d "$mirror" ]; then
        printf 'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' "$mirror"
    fi
} >"$config"
printf 'export TF_CLI_CONFIG_FILE=%q CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1 TF_INPUT=0\n' "$config"
