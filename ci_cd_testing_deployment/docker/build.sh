#!/usr/bin/env bash
# Build images of the product and tag them fraudstream/NAME:dev, with whatever engine `docker` talks to.
#
#   build.sh NAME... [-- OPTIONS OF docker build]      all of them: build.sh all
#
#   build.sh decision-api -- --no-cache
#   build.sh decision-api -- --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
names=() options=()
while [ $# -gt 0 ]; do
    if [ "$1" = -- ]; then
        options=("${@:2}")
        break
    fi
    names+=("$1")
    shift
done
declare -A dockerfiles
while read -r name file; do dockerfiles[$name]=$file; done < <("${PYTHON:-python3}" -m ci_cd_testing_deployment.docker.images)
[ "${names[*]}" != all ] || names=("${!dockerfiles[@]}")
if [ "${#names[@]}" -eq 0 ]; then
    echo "usage: $0 NAME...|all [-- OPTIONS OF docker build]; names: ${!dockerfiles[*]}" >&2
    exit 2
fi
docker version >/dev/null 2>&1 || { echo "docker does not answer: start one with eval \"\$(${0%/*}/engine.sh up)\"" >&2; exit 1; }

revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
for name in "${names[@]}"; do
    file=${dockerfiles[$name]:-}
    [ -n "$file" ] || { echo "no image $name; there are: ${!dockerfiles[*]}" >&2; exit 2; }
    started_s=$SECONDS
    log=$(mktemp)
    if ! DOCKER_BUILDKIT=1 docker build --progress plain --file "$file" --tag "fraudstream/$name:dev" \
        --build-arg REVISION="$revision" "${options[@]}" . >"$log" 2>&1; then
        tail -40 "$log" >&2
        echo "$name: not built; all of its log is $log" >&2
        exit 1
    fi
    rm -f "$log"
    bytes=$(docker image inspect --format '{{.Size}}' "fraudstream/$name:dev")
    echo "$name: $((bytes / 1000000)) MB in $((SECONDS - started_s)) s"
done
