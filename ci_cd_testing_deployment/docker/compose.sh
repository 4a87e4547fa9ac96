#!/usr/bin/env bash
# Docker Compose with the stack's file and passwords, which are made at the first call and kept in .run.
#
#   compose.sh --profile train run --rm trainer       a model first, from the history of `fraud data generate`
#   compose.sh up --detach --wait                     the stack; pages on port 3000, API on 8080, Grafana on 3001
#   compose.sh --profile load up --detach producer    synthetic transactions
#   compose.sh down [--volumes]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -gt 0 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
secrets=$(cd "$here/../.." && mkdir -p .run && cd .run && pwd)/compose.env
if [ ! -s "$secrets" ]; then
    # Hexadecimal, since some of them stand in URLs.
    (umask 077 && for name in REDIS POSTGRES ELASTIC GRAFANA; do
        echo "${name}_PASSWORD=$(head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n')"
    done >"$secrets")
fi
exec docker compose --env-file "$secrets" --file "$here/compose.yaml" "$@"
