#!/usr/bin/env bash
# Test the checkers and the workflows.
#
#   test.sh         all checkers, the workflows run on this machine, a release signed and refused
#   test.sh smoke   without what takes minutes to build
set -euo pipefail

[[ $# -eq 0 || ($# -eq 1 && $1 == smoke) ]] || { echo "usage: $0 [smoke]" >&2; exit 2; }
cd "$(dirname "$0")/../.."
python=.venv/bin/python
[ -x "$python" ] || { echo "no $python: make setup" >&2; exit 1; }
ci_cd_testing_deployment/actions/packages.sh jq

if [ "${1:-}" = smoke ]; then
    ci_cd_testing_deployment/actions/tools.sh checkers actionlint kubeconform kube-score
    marks="ship and smoke"
else
    ci_cd_testing_deployment/actions/packages.sh docker-registry
    ci_cd_testing_deployment/actions/tools.sh checkers checkov actionlint kubeconform kube-score tflint cosign
    marks=ship
fi
"$python" -m pytest tests/ship/infra/checkers tests/ship/infra/workflows -m "$marks"
