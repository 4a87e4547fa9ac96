#!/usr/bin/env bash
# Test the images on an engine of the project's own.
#
#   test.sh         build all of them and run the product from them, with real servers beside it
#   test.sh smoke   build one of them and run it
#
# TEST_REPRODUCE="pipeline decision-api" builds those again from nothing and compares.
set -euo pipefail

[[ $# -eq 0 || ($# -eq 1 && $1 == smoke) ]] || { echo "usage: $0 [smoke]" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
python=.venv/bin/python
[ -x "$python" ] || { echo "no $python: make setup" >&2; exit 1; }

step() { echo "[$((SECONDS / 60))m$((SECONDS % 60))s] $*"; }

# An engine that was running before stays.
"$here/engine.sh" env >/dev/null 2>&1 || trap '"$here/engine.sh" down' EXIT
step "starting the engine"
eval "$("$here/engine.sh" up)"
ci_cd_testing_deployment/actions/tools.sh checkers
if command -v go >/dev/null; then
    step "building the check of the Compose file"
    bin=$(mkdir -p "${FRAUD_SHIP_CACHE:-.cache/ship}/bin" && cd "${FRAUD_SHIP_CACHE:-.cache/ship}/bin" && pwd)
    (cd "$here/compose_check" && CGO_ENABLED=0 GOTOOLCHAIN=local go build -mod=readonly -trimpath -buildvcs=false -o "$bin/compose-check" .)
fi

if [ "${1:-}" = smoke ]; then
    step "base images"
    "$here/base_images.sh" python
    step "building one image"
    "$here/build.sh" decision-api
    "$python" -m pytest tests/ship/images -m "ship and smoke"
else
    step "base images"
    "$here/base_images.sh"
    step "building all images"
    "$here/build.sh" all
    step "testing"
    "$python" -m pytest tests/ship/images -m ship
fi
step "done"
