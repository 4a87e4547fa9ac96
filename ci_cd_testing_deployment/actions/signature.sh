#!/usr/bin/env bash
# Sign an image with what it holds, or refuse one that nobody signed.
#
#   signature.sh sign REFERENCE SBOM       REFERENCE: NAME@sha256:...
#   signature.sh verify REFERENCE
#   signature.sh copy REFERENCE TARGET     verify, then copy image and signatures to TARGET (NAME without tag) and verify there
#
# On GitHub the job's own identity signs, and what verifies asks for the workflow of this repository's main branch. With
# COSIGN_KEY (to sign) and COSIGN_PUBLIC_KEY (to verify) a pair of keys does it, without a public log.
set -euo pipefail

usage() { sed -n '4,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
[ $# -ge 2 ] || usage
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cosign=$(command -v cosign || echo "$root/${FRAUD_SHIP_CACHE:-.cache/ship}/bin/cosign")
[ -x "$cosign" ] || { echo "cosign is missing: make it with ci_cd_testing_deployment/actions/tools.sh cosign" >&2; exit 1; }
reference=$2
[[ $reference == *@sha256:* ]] || { echo "$reference names no digest: a tag can move, so it is not signed" >&2; exit 2; }

# A registry on this machine speaks plain HTTP.
http=()
case $reference in 127.0.0.1:* | localhost:*) http=(--allow-http-registry) ;; esac
# Signatures lie beside the image under tags made of its digest: cosign copies those from registry to registry, and bundles not.
as=(--new-bundle-format=false --use-signing-config=false)
by=(--new-bundle-format=false)
[ -z "${COSIGN_KEY:-}" ] || as+=(--key "$COSIGN_KEY" --tlog-upload=false)
if [ -n "${COSIGN_PUBLIC_KEY:-}" ]; then
    by+=(--key "$COSIGN_PUBLIC_KEY" --insecure-ignore-tlog=true)
else
    by+=(--certificate-oidc-issuer https://token.actions.githubusercontent.com --certificate-identity
        "https://github.com/${GITHUB_REPOSITORY:-}/.github/workflows/build-images.yml@refs/heads/main")
fi

verify() {
    "$cosign" verify "${by[@]}" "${http[@]}" "$1" >/dev/null
    "$cosign" verify-attestation --type cyclonedx "${by[@]}" "${http[@]}" "$1" >/dev/null
    echo "signed: $1"
}

case $1 in
sign)
    [ $# -eq 3 ] || usage
    "$cosign" sign --yes "${as[@]}" "${http[@]}" "$reference"
    "$cosign" attest --yes --type cyclonedx --predicate "$3" "${as[@]}" "${http[@]}" "$reference"
    ;;
verify) verify "$reference" ;;
copy)
    [ $# -eq 3 ] || usage
    verify "$reference"
    "$cosign" copy "${http[@]}" --force "$reference" "$3:${reference#*@sha256:}"
    verify "$3@${reference#*@}"
    ;;
*) usage ;;
esac
