#!/usr/bin/env bash
# Install the named Debian packages that are missing. Services that come with them are not started.
#
#   packages.sh NAME...
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: $0 NAME..." >&2; exit 2; }

missing=()
for name in "$@"; do
    dpkg-query --show --showformat '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]}. Install them as root: apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "installing: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
# dpkg asks this script before it starts a service; 101 means no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
# Several scripts may ask at once; each waits for the other's lock.
apt-get -o DPkg::Lock::Timeout=600 update -qq
apt-get -o DPkg::Lock::Timeout=600 install --yes --quiet=2 --no-install-recommends "${missing[@]}" >&2
