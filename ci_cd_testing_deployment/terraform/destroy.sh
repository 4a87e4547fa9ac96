#!/usr/bin/env bash
# Take an environment down, data included. Production is refused: protection has to be lifted by a change first.
#
#   destroy.sh dev|staging --yes-delete-everything
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" "$@"

[ "${2:-}" = --yes-delete-everything ] || { echo "say --yes-delete-everything after the name" >&2; exit 2; }
[ "$environment" != production ] || { echo "production is not destroyed by a script" >&2; exit 1; }
initialise
terraform destroy -no-color -auto-approve -lock-timeout=5m
