#!/usr/bin/env bash
# Bring a cluster to the operators of operators.txt, each from a file whose digest operators.lock knows.
#
#   apply.sh lock                         fetch every source and write down its digest; look at the difference, then commit it
#   apply.sh apply [--dry-run] [NAME...]  apply all, or those named, in the table's order; the API server only checks in a dry run
#
# Needs curl and kubectl, and helm for charts. Fetched files are kept in ${FRAUD_SHIP_CACHE:-.cache/ship}/platform.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
# A relative cache is one of the repository.
cache=$(cd "$root" && realpath -m "${FRAUD_SHIP_CACHE:-.cache/ship}")/platform
table=$here/operators.txt
lock=${FRAUD_PLATFORM_LOCK:-$here/operators.lock}
ready_timeout=300s

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

usage() {
    sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

rows() { grep -v '^ *#' "$table"; }

need() {
    for tool in "$@"; do
        command -v "$tool" >/dev/null || fail "$tool is missing: install it, then try again"
    done
}

# NAME VERSION KIND: where the fetched file is kept.
kept() { echo "$cache/$1-$2.$([ "$3" = chart ] && echo tgz || echo yaml)"; }

digest() { sha256sum "$1" | cut -d' ' -f1; }

fetch() { # FILE SOURCE
    [ -s "$1" ] && return
    mkdir -p "$cache"
    echo "fetching $2" >&2
    curl --fail --silent --show-error --location --proto '=https' --max-time 300 --retry 3 --output "$1.partial" "$2" ||
        fail "cannot fetch $2: check the network, or put the file at $1"
    mv "$1.partial" "$1"
}

write_lock() {
    need curl
    local name version kind source file
    while read -r name version _ kind source; do
        file=$(kept "$name" "$version" "$kind")
        rm -f "$file"
        fetch "$file" "$source"
        echo "$name $version $(digest "$file")"
    done < <(rows) >"$lock.partial"
    mv "$lock.partial" "$lock"
    echo "wrote $(basename "$lock"): look at what changed, then commit it"
}

checked() { # NAME VERSION KIND SOURCE: prints the file, once it is the one that was looked at
    local wanted file
    wanted=$(awk -v name="$1" -v version="$2" '$1 == name && $2 == version {print $3}' "$lock")
    [ -n "$wanted" ] || fail "$(basename "$lock") does not know $1 $2: run \`$0 lock\`, look at it and commit it"
    file=$(kept "$1" "$2" "$3")
    fetch "$file" "$4"
    [ "$(digest "$file")" = "$wanted" ] ||
        fail "$1 $2 is not the file that was locked: delete $file; should the next one differ too, its publisher changed it"
    echo "$file"
}

render() { # NAME NAMESPACE KIND FILE
    if [ "$3" = manifest ]; then
        cat "$4"
    else
        need helm
        helm template "$1" "$4" --namespace "$2" --include-crds --no-hooks --values "$here/$1/values.yaml"
    fi
}

apply_one() { # NAME VERSION NAMESPACE KIND SOURCE
    local file manifest
    file=$(checked "$1" "$2" "$4" "$5")
    manifest=$work/$1.yaml
    render "$1" "$3" "$4" "$file" >"$manifest"
    echo "applying $1 $2" >&2
    # Definitions are too long for the annotation of a client-side apply.
    kubectl apply --server-side --force-conflicts --field-manager=fraudstream-platform --namespace "$3" \
        ${dry_run:+"$dry_run"} --filename "$manifest"
    [ -z "$dry_run" ] || return 0
    if grep -q '^kind: CustomResourceDefinition' "$manifest"; then
        kubectl wait --for=condition=Established --timeout="$ready_timeout" crd --all >/dev/null
    fi
    grep -q '^kind: Deployment' "$manifest" || return 0
    kubectl wait --for=condition=Available --timeout="$ready_timeout" deployment --all --namespace "$3" >/dev/null ||
        fail "$1 is not ready after $ready_timeout: kubectl --namespace $3 get events --sort-by=.lastTimestamp"
}

is_wanted() { # NAME NAMES...
    local name=$1 wanted
    shift
    [ $# -eq 0 ] && return
    for wanted in "$@"; do
        [ "$name" = "$wanted" ] && return
    done
    return 1
}

apply_all() { # NAMES...
    need curl kubectl
    [ -f "$lock" ] || fail "$(basename "$lock") is missing: run \`$0 lock\` where the sources can be reached, look at it and commit it"
    local known name version namespace kind source
    known=$(rows | awk '{print $1}')
    for name in "$@"; do
        grep -qx "$name" <<<"$known" || fail "no operator $name; there are: $(tr '\n' ' ' <<<"$known")"
    done
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    # Operators that look after the product's namespace alone are given rights in it.
    for file in "$here/namespaces.yaml" "$here/../base/shared/namespace.yaml"; do
        kubectl apply --server-side --field-manager=fraudstream-platform ${dry_run:+"$dry_run"} --filename "$file"
    done
    while read -r name version namespace kind source; do
        is_wanted "$name" "$@" || continue
        apply_one "$name" "$version" "$namespace" "$kind" "$source" </dev/null
    done < <(rows)
}

dry_run=
case ${1:-} in
lock)
    [ $# -eq 1 ] || usage
    write_lock
    ;;
apply)
    shift
    if [ "${1:-}" = --dry-run ]; then
        dry_run=--dry-run=server
        shift
    fi
    apply_all "$@"
    ;;
*) usage ;;
esac
