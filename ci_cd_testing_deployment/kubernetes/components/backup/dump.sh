#!/bin/sh
# Dump the database of DSN into FOLDER, read the dump back, and write what a restore is compared with beside it.
#
#   DSN=postgresql://… FOLDER=/backups KEEP=14 dump.sh
set -eu

: "${DSN:?a libpq URL}" "${FOLDER:?where dumps are kept}" "${KEEP:?how many are kept}"
name=fraudstream-$(date -u +%Y%m%dT%H%M%SZ)
partial=$FOLDER/$name.partial
trap 'rm -f "$partial"' EXIT

pg_dump --dbname="$DSN" --format=custom --no-owner --file="$partial"
pg_restore --list "$partial" >/dev/null
revision=$(psql --no-psqlrc --dbname="$DSN" --tuples-only --no-align --command='SELECT version_num FROM alembic_version')
digest=$(sha256sum "$partial" | cut -d' ' -f1)
bytes=$(wc -c <"$partial")

mv "$partial" "$FOLDER/$name.dump"
printf '{"dump": "%s.dump", "sha256": "%s", "bytes": %s, "schema": "%s"}\n' "$name" "$digest" "$bytes" "$revision" \
    >"$FOLDER/$name.json"

# The newest are kept.
find "$FOLDER" -name 'fraudstream-*.json' | sort -r | tail -n +"$((KEEP + 1))" | while read -r manifest; do
    rm -f "${manifest%.json}.dump" "$manifest"
done
echo "wrote $name.dump: $bytes bytes, schema $revision"
