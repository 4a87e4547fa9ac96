#!/usr/bin/env bash
# Build an image, push it, and write down the digest by which it is known from then on.
#
#   publish.sh IMAGE REGISTRY FOLDER [--pinned]
#
# REGISTRY/IMAGE gets the revision as its tag; FOLDER gets IMAGE.json, a part of the release. With --pinned the bases are
# fetched first and named by digest, so that the build's record says which they were.
set -euo pipefail

[ $# -ge 3 ] || { echo "usage: $0 IMAGE REGISTRY FOLDER [--pinned]" >&2; exit 2; }
image=$1 registry=$2 folder=$3 pinned=${4:-}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
file=$("${PYTHON:-python3}" -m ci_cd_testing_deployment.docker.images | awk -v name="$image" '$1 == name {print $2}')
[ -n "$file" ] || { echo "no image $image" >&2; exit 2; }
revision=$(git rev-parse HEAD)

options=()
if [ "$pinned" = --pinned ]; then
    while IFS='=' read -r argument base; do
        docker pull --quiet "$base" >/dev/null
        digest=$(docker image inspect --format '{{index .RepoDigests 0}}' "$base")
        options+=(--build-arg "$argument=$base@${digest#*@}")
    done < <(sed -n 's/^ARG \([A-Z]*_IMAGE\)=\(.*\)$/\1=\2/p' "$file")
fi
ci_cd_testing_deployment/docker/build.sh "$image" -- "${options[@]}"

target=$registry/$image:$revision
docker tag "fraudstream/$image:dev" "$target"
docker push --quiet "$target" >/dev/null
# One image may carry digests of several registries.
digest=$(docker image inspect --format '{{json .RepoDigests}}' "$target" |
    jq -r --arg name "$registry/$image" '.[] | select(startswith($name + "@")) | split("@")[1]')
[[ $digest == sha256:* ]] || { echo "$target was pushed, but the engine knows no digest of it" >&2; exit 1; }
mkdir -p "$folder"
jq -n --arg image "$image" --arg source "$registry/$image@$digest" --arg revision "$revision" \
    '{$image, $source, $revision}' >"$folder/$image.json"
echo "$registry/$image@$digest"
[ -z "${GITHUB_OUTPUT:-}" ] || printf 'reference=%s\nname=%s\ndigest=%s\n' \
    "$registry/$image@$digest" "$registry/$image" "$digest" >>"$GITHUB_OUTPUT"
