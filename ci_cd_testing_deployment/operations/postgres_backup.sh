#!/usr/bin/env bash
# Backups of the database of cases and decisions. Needs bash, PostgreSQL's client programs, and GNU's or BusyBox's tools,
# so that PostgreSQL's own images can run it.
set -euo pipefail
umask 077

usage() {
    cat >&2 <<'TEXT'
usage: postgres_backup.sh COMMAND
  make FOLDER [--keep N]        write a backup into FOLDER, then remove all but the N newest (14)
  verify BACKUP                 is the backup whole and unaltered?
  restore BACKUP                put the backup into an empty database, and compare it table by table
  age FOLDER [--at-most-h N]    fail if the newest whole backup is older than N hours (26)
The database is FRAUD_POSTGRES_DSN: postgresql://user:password@host:port/database
TEXT
    exit 2
}

fail() {
    echo "postgres_backup: $*" >&2
    exit 1
}

# Each table of the product with its rows and the sum of their hashes, which does not depend on the order of rows.
# What a row looks like as text is settled first, for that may differ between servers.
readonly TABLES="
SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'iso_8601'; SET bytea_output = 'hex';
SET extra_float_digits = 3;
SELECT format(
    'SELECT %L, count(*), coalesce(sum((''x'' || left(md5(t::text), 15))::bit(60)::bigint), 0) FROM ONLY %I.%I AS t',
    n.nspname || '.' || c.relname, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\" \\gexec
"

# Sets `target`, the address without its password, which goes by the environment: others may read arguments.
find_database() {
    target=${FRAUD_POSTGRES_DSN:-}
    [ -n "$target" ] || fail "set FRAUD_POSTGRES_DSN to the address of the database"
    # SQLAlchemy's form of the scheme names a driver, which libpq does not know.
    target=postgresql://${target#*://}
    if [[ $target =~ ^(postgresql://[^:@/]+):([^@/]*)@(.*)$ ]]; then
        target=${BASH_REMATCH[1]}@${BASH_REMATCH[3]}
        printf -v PGPASSWORD '%b' "${BASH_REMATCH[2]//%/\\x}"
        export PGPASSWORD
    fi
    export PGCONNECT_TIMEOUT=${PGCONNECT_TIMEOUT:-10}
}

ask() { psql --no-psqlrc --quiet --no-align --tuples-only --field-separator=$'\t' --set=ON_ERROR_STOP=1 "$@" "$target"; }

# Sets `whole`, the backups of a folder that were finished, oldest first.
find_whole() {
    local path
    whole=()
    for path in "$1"/[0-9]*T[0-9]*Z; do
        if [ -f "$path/SHA256SUMS" ]; then whole+=("$path"); fi
    done
}

make_backup() {
    local folder=$1 keep=$2 name snapshot old
    [ -w "$folder/" ] || fail "$folder is no folder that can be written to; make it or mount a volume there"
    find_database
    name=$(date -u +%Y%m%dT%H%M%SZ)
    # What a run left that was killed a day ago or longer; a younger one may still be at work.
    find "$folder" -maxdepth 1 -name '.part-*' -mmin +1440 -exec rm -r {} +
    # Not local, for the trap runs when this function has ended.
    part=$(mktemp -d "$folder/.part-XXXXXX")
    trap 'rm -rf "$part"' EXIT

    # One transaction stays open, so that the dump and the sums of the tables see the same moment.
    coproc HOLDER { ask; }
    local answers=${HOLDER[0]} questions=${HOLDER[1]}
    echo "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();" >&"$questions"
    read -r -t 30 snapshot <&"$answers" || fail "the database did not answer; is FRAUD_POSTGRES_DSN right?"

    pg_dump --format=custom --snapshot="$snapshot" --no-owner --no-privileges --lock-wait-timeout=60s \
        --file="$part/database.dump" --dbname="$target"
    ask --output="$part/tables.tsv" <<SQL
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET TRANSACTION SNAPSHOT '$snapshot';
$TABLES
SQL
    echo "COMMIT; \\q" >&"$questions"

    (cd "$part" && sha256sum database.dump tables.tsv >SHA256SUMS && sync database.dump tables.tsv SHA256SUMS)
    # A backup has its name only when it is whole.
    [ ! -e "$folder/$name" ] || fail "$folder/$name is there already: another run made it this second"
    mv "$part" "$folder/$name"
    echo "$folder/$name: $(wc -l <"$folder/$name/tables.tsv") tables, $(du -k "$folder/$name/database.dump" | cut -f1) KiB"

    find_whole "$folder"
    for old in "${whole[@]:0:$((${#whole[@]} > keep ? ${#whole[@]} - keep : 0))}"; do
        rm -r "$old"
        echo "$old: removed, $keep newer ones are kept"
    done
}

verify() {
    local backup=$1
    [ -f "$backup/SHA256SUMS" ] || fail "$backup is no whole backup: it has no SHA256SUMS; take another"
    (cd "$backup" && [ "$(wc -l <SHA256SUMS)" -eq 2 ] && sha256sum -c SHA256SUMS >/dev/null) ||
        fail "$backup is damaged: its files are not those that were written; take another"
    pg_restore --list "$backup/database.dump" >/dev/null || fail "$backup/database.dump cannot be read; take another"
}

restore() {
    local backup=$1 tables
    verify "$backup"
    find_database
    tables=$(ask --command="SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'")
    [ "$tables" = 0 ] || fail "the database holds $tables tables: restore into an empty one (createdb), then point the product at it"
    # One transaction: a restore that fails leaves the database empty.
    pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname="$target" "$backup/database.dump" ||
        fail "nothing was restored: see PostgreSQL's message above"
    diff -u "$backup/tables.tsv" <(ask <<<"$TABLES") >&2 ||
        fail "the restored tables are not those of $backup (above: - as it was, + as it is); drop the database, take another backup"
    echo "$backup: restored, $(wc -l <"$backup/tables.tsv") tables are as they were"
}

age() {
    local folder=$1 at_most_h=$2 newest name made_s age_s
    find_whole "$folder"
    [ "${#whole[@]}" -gt 0 ] || fail "$folder holds no whole backup"
    newest=${whole[-1]} name=${whole[-1]##*/}
    made_s=$(date -u -d "${name:0:4}-${name:4:2}-${name:6:2} ${name:9:2}:${name:11:2}:${name:13:2}" +%s)
    age_s=$(($(date +%s) - made_s))
    echo "$newest: $((age_s / 3600)) hours old"
    [ "$age_s" -le $((at_most_h * 3600)) ] || fail "the newest backup is older than $at_most_h hours: see the last run of the backup job"
}

# Prints the value of an option that stands after the positional argument, or its default.
option() { # NAME DEFAULT [ARGUMENT...]
    local name=$1 value=$2
    shift 2
    if [ $# -gt 0 ]; then
        { [ "$1" = "$name" ] && [ $# -eq 2 ]; } || usage
        value=$2
    fi
    [[ $value =~ ^[1-9][0-9]*$ ]] || fail "$name wants a whole number from 1"
    echo "$value"
}

[ $# -ge 2 ] || usage
command=$1 place=$2
shift 2
case $command in
    make) keep=$(option --keep 14 "$@") && make_backup "$place" "$keep" ;;
    verify) [ $# -eq 0 ] || usage; verify "$place" && echo "$place: whole" ;;
    restore) [ $# -eq 0 ] || usage; restore "$place" ;;
    age) at_most_h=$(option --at-most-h 26 "$@") && age "$place" "$at_most_h" ;;
    *) usage ;;
esac
