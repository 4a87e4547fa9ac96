# Sourced by the scripts of one environment, with its name as first argument: goes to its folder and names its state.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
environment=${1:-}
if [ ! -d "$here/environments/$environment" ] || [ -z "$environment" ]; then
    echo "usage: $0 dev|staging|production" >&2
    exit 2
fi
for tool in terraform aws jq; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: install it, then try again" >&2; exit 1; }
done
if [ -z "${TF_VAR_github_repository:-}" ]; then
    echo "set TF_VAR_github_repository to OWNER/NAME, the repository whose jobs may deploy" >&2
    exit 1
fi
eval "$("$here/provider.sh")"
cd "$here/environments/$environment"
export AWS_REGION=${AWS_REGION:-eu-central-1} AWS_PAGER=
account=$(aws sts get-caller-identity --query Account --output text)
export TF_VAR_state_bucket=fraudstream-$environment-state-$account

initialise() {
    terraform init -no-color -reconfigure \
        -backend-config="bucket=$TF_VAR_state_bucket" -backend-config="region=$AWS_REGION" >/dev/null
}
