#!/usr/bin/env bash
# Make tools that check what ships, from their published modules at the versions that go.sum pins.
#
#   tools.sh NAME...        conftest cosign actionlint kubeconform kube-score kustomize tflint, or a side environment:
#                           checkers checkov
#
# Programs lie in the cache's bin/, environments in .venvs/. What is there at the pinned version stays.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=$(cd "$root" && mkdir -p "${FRAUD_SHIP_CACHE:-.cache/ship}/bin" && cd "${FRAUD_SHIP_CACHE:-.cache/ship}/bin" && pwd)

# The module of tools/ that holds each, and its package.
declare -A modules=(
    [actionlint]="manifests github.com/rhysd/actionlint/cmd/actionlint"
    [conftest]="policies github.com/open-policy-agent/conftest"
    [cosign]="signatures github.com/sigstore/cosign/v3/cmd/cosign"
    [kube-score]="manifests github.com/zegl/kube-score/cmd/kube-score"
    [kubeconform]="manifests github.com/yannh/kubeconform/cmd/kubeconform"
    [kustomize]="manifests sigs.k8s.io/kustomize/kustomize/v5"
    [tflint]="terraform github.com/terraform-linters/tflint"
)

build() {
    local name=$1 module package digest
    read -r module package <<<"${modules[$name]}"
    digest=$(cat "$here/tools/$module/go.mod" "$here/tools/$module/go.sum" | sha256sum | cut -c1-12)
    [ -x "$bin/$name-$digest" ] || {
        command -v go >/dev/null || { echo "$name is built with Go: install it (golang-go 1.26 or newer)" >&2; exit 1; }
        echo "building $name" >&2
        rm -f "$bin/$name-"*
        (cd "$here/tools/$module" && CGO_ENABLED=0 GOTOOLCHAIN=${GOTOOLCHAIN:-local} nice -n 5 \
            go build -trimpath -buildvcs=false -mod=readonly -ldflags='-s -w' -o "$bin/$name-$digest" "$package")
    }
    ln -sfn "$name-$digest" "$bin/$name"
}

environment() {
    local name=$1 lock=$root/requirements/tools/$1.txt venv=$root/.venvs/$1 stamp
    stamp=$venv/.stamp-$(sha256sum "$lock" | cut -c1-16)
    [ ! -e "$stamp" ] || return 0
    echo "installing $name" >&2
    make -C "$root" --silent .cache/uv/bin/uv
    "$root/.cache/uv/bin/uv" venv --quiet --clear --python "$root/.cache/uv/bin/python" "$venv"
    "$root/.cache/uv/bin/uv" pip sync --quiet --python "$venv/bin/python" --require-hashes "$lock"
    touch "$stamp"
}

[ $# -gt 0 ] || { echo "usage: $0 NAME...; there are ${!modules[*]} checkers checkov" >&2; exit 2; }
for name in "$@"; do
    case $name in
    checkers | checkov) environment "$name" ;;
    *)
        [ -n "${modules[$name]:-}" ] || { echo "no tool $name; there are ${!modules[*]} checkers checkov" >&2; exit 2; }
        build "$name"
        ;;
    esac
done
