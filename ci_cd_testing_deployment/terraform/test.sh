#!/usr/bin/env bash
# Test the modules and environments.
#
#   test.sh         on mocks, then apply, drift and destroy on an imitation of AWS (about five minutes)
#   test.sh smoke   on mocks alone (about three minutes of processor time)
set -euo pipefail

[[ $# -eq 0 || ($# -eq 1 && $1 == smoke) ]] || { echo "usage: $0 [smoke]" >&2; exit 2; }
cd "$(dirname "$0")/../.."
python=.venv/bin/python
[ -x "$python" ] || { echo "no $python: make setup" >&2; exit 1; }
ci_cd_testing_deployment/actions/packages.sh curl jq

marks="ship and smoke"
if [ "${1:-}" != smoke ]; then
    marks=ship
    ci_cd_testing_deployment/actions/tools.sh conftest
    trap 'ci_cd_testing_deployment/terraform/emulator.sh down' EXIT
fi
"$python" -m pytest tests/ship/infra/terraform -m "$marks"
