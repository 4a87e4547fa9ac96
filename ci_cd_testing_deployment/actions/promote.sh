#!/usr/bin/env bash
# Copy a release's images, with their signatures, to the registry that an environment pulls from. Digests stay; what is not
# signed, or was changed since, is refused.
#
#   promote.sh RELEASE REGISTRY
set -euo pipefail

[ $# -eq 2 ] || { echo "usage: $0 RELEASE REGISTRY" >&2; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
images=$(jq --raw-output '.images | to_entries[] | "\(.key) \(.value)"' "$1")
while read -r name reference; do
    "$here/signature.sh" copy "$reference" "$2/$name"
done <<<"$images"
