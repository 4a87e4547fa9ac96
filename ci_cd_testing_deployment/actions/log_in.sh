#!/usr/bin/env bash
# Let kubectl reach an environment's cluster and docker its registry, with the AWS role that the shell has.
#
#   log_in.sh dev|staging|production        writes `registry` to the job's outputs
set -euo pipefail

environment=${1:?usage: log_in.sh dev|staging|production}
name=fraudstream-$environment
account=$(aws sts get-caller-identity --query Account --output text)
host=$account.dkr.ecr.$AWS_REGION.amazonaws.com
aws ecr get-login-password | docker login --username AWS --password-stdin "$host" >/dev/null
aws eks update-kubeconfig --name "$name" >/dev/null
echo "registry=$host/$name" | tee -a "${GITHUB_OUTPUT:-/dev/null}"
