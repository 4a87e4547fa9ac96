#!/usr/bin/env bash
# Makes the database at the first start, then runs the server; any other command is run as it is.
set -euo pipefail

[ "${1:-postgres}" = postgres ] || exec "$@"
[ $# -eq 0 ] || shift
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?POSTGRES_PASSWORD must be set}"
    # shellcheck disable=SC2086  # options are meant to split
    initdb --pgdata "$PGDATA" --username "$user" --auth scram-sha-256 --pwfile <(printf '%s\n' "$POSTGRES_PASSWORD") \
        ${POSTGRES_INITDB_ARGS:-}
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    # By its socket alone, so that nobody meets a server that is not complete.
    pg_ctl --pgdata "$PGDATA" --options "-c listen_addresses=''" --wait start
    export PGPASSWORD=$POSTGRES_PASSWORD
    run_sql() { psql --set ON_ERROR_STOP=1 --username "$user" "$@"; }
    [ "$database" = postgres ] || run_sql --dbname postgres --set db="$database" <<<'CREATE DATABASE :"db"'
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sql) run_sql --dbname "$database" --file "$file" ;;
        *.sh) bash "$file" ;;
        esac
    done
    unset PGPASSWORD
    pg_ctl --pgdata "$PGDATA" --mode fast --wait stop
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' "$@"
