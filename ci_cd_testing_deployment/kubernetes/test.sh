#!/usr/bin/env bash
# Test the manifests on a real cluster, which is started for it and stopped after it.
#
#   test.sh         admission by the API server alone, then the product on a node (about 10 minutes when all is built)
#   test.sh smoke   the first half (about a minute)
set -euo pipefail

[[ $# -eq 0 || ($# -eq 1 && $1 == smoke) ]] || { echo "usage: $0 [smoke]" >&2; exit 2; }
cd "$(dirname "$0")/../.."
python=.venv/bin/python
[ -x "$python" ] || { echo "no $python: make setup" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || { echo "a cluster needs root: run it by sudo, or in a machine of its own" >&2; exit 1; }
command -v go >/dev/null || { echo "Go 1.26 or newer is needed to build Kubernetes: install it (golang-go) and put it on PATH" >&2; exit 1; }

cluster() { "$python" -m ci_cd_testing_deployment.kubernetes.test_cluster "$@"; }
tests() { cluster exec "$python" -m pytest tests/ship/cluster -m "$1"; }

ci_cd_testing_deployment/actions/packages.sh containerd runc containernetworking-plugins nftables iptables iproute2 \
    conntrack socat openssl gcc libc6-dev

trap 'cluster down' EXIT
cluster down
cluster build core
cluster up control
cluster definitions
tests "ship and smoke"
[ "${1:-}" != smoke ] || exit 0

cluster down
docker=ci_cd_testing_deployment/docker
# An engine that was running before stays.
"$docker/engine.sh" env >/dev/null 2>&1 || trap 'cluster down; "$docker/engine.sh" down' EXIT
eval "$("$docker/engine.sh" up)"
"$docker/base_images.sh"
"$docker/build.sh" all
cluster build spark
cluster up
cluster addons
cluster load
cluster kafka
tests "ship and not smoke"
