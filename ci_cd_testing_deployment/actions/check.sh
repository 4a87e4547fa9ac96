#!/usr/bin/env bash
# Hold what ships against its checkers, each of which must find nothing, and print how long each took.
#
#   check.sh [NAME...]      all by default: hadolint shellcheck actionlint zizmor kubeconform kube-score checkov tflint
#
# Tools are made where they are missing (tools.sh). An exception stands in waivers/ with its reason.
# shellcheck disable=SC2329  # the functions are called by the names of the checkers
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
cache=$(mkdir -p "${FRAUD_SHIP_CACHE:-.cache/ship}" && cd "${FRAUD_SHIP_CACHE:-.cache/ship}" && pwd)
kubernetes=1.35
known=(hadolint shellcheck actionlint zizmor kubeconform kube-score checkov tflint)
waivers=$here/waivers
export PATH=$cache/bin:$root/.venvs/checkers/bin:$root/.venvs/checkov/bin:$PATH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Written files that match, whether committed or not.
written() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do [ ! -e "$file" ] || echo "$file"; done; }
# A list of files on standard input to `$work/files`; an empty one is a mistake of this script.
choose() {
    cat >"$work/files"
    tell "$(wc -l <"$work/files")"
    [ -s "$work/files" ] || { echo "nothing to check" >&2; return 1; }
}
tell() { echo "$1" >"$work/count"; }

# Each overlay as a cluster gets it, in one file; made once for those that need it.
render() {
    [ ! -d "$work/overlays" ] || return 0
    mkdir "$work/overlays"
    local overlay
    for overlay in ci_cd_testing_deployment/kubernetes/overlays/*/; do
        kubectl kustomize "$overlay" >"$work/overlays/$(basename "$overlay").yaml"
    done
}

check_hadolint() {
    written '*Dockerfile' | choose
    xargs hadolint --no-color --config "$waivers/hadolint.yaml" <"$work/files"
}

check_shellcheck() {
    written '*.sh' '.ci/*' | choose
    xargs shellcheck --color=never --shell=bash --external-sources --source-path=SCRIPTDIR <"$work/files"
}

check_actionlint() {
    written '.github/workflows/*.yml' | choose
    xargs actionlint -no-color <"$work/files"
}

check_zizmor() {
    written '.github/*.yml' | choose
    xargs zizmor --offline --quiet --no-progress --color=never --persona=auditor \
        --config "$waivers/zizmor.yaml" <"$work/files"
}

check_kubeconform() {
    render
    local schemas=$cache/schemas definitions=() ignore=() stamp
    # What operators define is taken from the packages that publish it (test_cluster, `definitions`).
    [ ! -d "$cache/k8s/crds" ] || definitions=("$cache"/k8s/crds/*.yaml)
    if [ "${#definitions[@]}" -eq 0 ]; then
        echo "custom resources are not checked: make their definitions with" \
            "python -m ci_cd_testing_deployment.kubernetes.test_cluster definitions" >&2
        ignore=(-ignore-missing-schemas)
    fi
    stamp=$schemas/.made-$(cat "$here/schemas.py" requirements/tools/checkers.txt "${definitions[@]}" | sha256sum | cut -c1-16)
    if [ ! -e "$stamp" ]; then
        rm -rf "$schemas"
        .venvs/checkers/bin/python "$here/schemas.py" "$schemas" "$kubernetes" "${definitions[@]}"
        touch "$stamp"
    fi
    tell "$(find "$work/overlays" -name '*.yaml' | wc -l)"
    kubeconform -strict -kubernetes-version "$kubernetes.0" "${ignore[@]}" \
        -schema-location "$schemas/{{.NormalizedKubernetesVersion}}{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json" \
        -schema-location "$schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json" "$work/overlays"
}

check_kube-score() {
    render
    local options=() overlay failed=0
    while read -r name; do options+=(--ignore-test "$name"); done < <(sed 's/ *#.*//; /^$/d' "$waivers/kube-score.txt")
    tell "$(find "$work/overlays" -name '*.yaml' | wc -l)"
    # One by one, as objects of one overlay would be taken for another's.
    for overlay in "$work/overlays"/*.yaml; do
        kube-score score --output-format ci --kubernetes-version "v$kubernetes" "${options[@]}" "$overlay" >"$work/scores" && continue
        failed=1
        sed "/^\[\(OK\|SKIPPED\)\]/d; s/^/$(basename "$overlay"): /" "$work/scores"
    done
    return "$failed"
}

check_checkov() {
    render
    # Checkov reads folders, and this one holds nothing else. Stand-ins for public bases are not shipped.
    mkdir -p "$work/dockerfiles"
    written '*Dockerfile' ':!*/base_images/*' | while read -r file; do cp "$file" "$work/dockerfiles/$(basename "$file")"; done
    tell $(($(find "$work/overlays" "$work/dockerfiles" -type f | wc -l) +
        $(written 'ci_cd_testing_deployment/terraform/*.tf' '.github/workflows/*' | wc -l)))
    checkov --config-file ci_cd_testing_deployment/kubernetes/.checkov.yaml --directory "$work/overlays"
    local options=(--quiet --compact --skip-download --config-file "$waivers/checkov.yaml")
    checkov "${options[@]}" --framework dockerfile --directory "$work/dockerfiles"
    checkov "${options[@]}" --framework terraform --directory ci_cd_testing_deployment/terraform
    checkov "${options[@]}" --framework github_actions --directory .github
}

check_tflint() {
    local folder
    tell "$(written 'ci_cd_testing_deployment/terraform/*.tf' | wc -l)"
    for folder in ci_cd_testing_deployment/terraform/{stack,modules/*,environments/*}; do
        tflint --no-color --chdir "$folder"
    done
}

needs() { case $1 in hadolint | zizmor) echo checkers ;; shellcheck) echo checkers ;; kubeconform) echo checkers kubeconform ;;
    actionlint) echo checkers actionlint ;; *) echo "$1" ;; esac }

names=("$@")
[ "${#names[@]}" -gt 0 ] || names=("${known[@]}")
for name in "${names[@]}"; do
    [[ " ${known[*]} " == *" $name "* ]] || { echo "no checker $name; there are ${known[*]}" >&2; exit 2; }
    read -ra tools <<<"$(needs "$name")"
    "$here/tools.sh" "${tools[@]}"
done

failed=0 table=
for name in "${names[@]}"; do
    started_ms=$(date +%s%3N)
    echo 0 >"$work/count"
    # In a condition the shell would go on after an error inside the function.
    set +e
    (set -e; "check_$name") >"$work/output" 2>&1
    code=$?
    set -e
    if [ "$code" -eq 0 ]; then
        result=ok
    else
        result=FOUND failed=1
        cat "$work/output" >&2
    fi
    table+=$(printf '%-12s %5d files  %-5s %6.1f s' "$name" "$(<"$work/count")" "$result" "$(($(date +%s%3N) - started_ms))e-3")$'\n'
done
printf '%s' "$table"
exit "$failed"
