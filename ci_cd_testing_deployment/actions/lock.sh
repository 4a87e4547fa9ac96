#!/usr/bin/env bash
# Compile every requirements file against one set of constraints, so that all images run the same versions.
#
#   lock.sh UV [--upgrade]
#
# Pins that are there stay, unless --upgrade is given or what a file asks for no longer allows them.
set -euo pipefail

uv=$1
shift
compile=("$uv" pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-strip-extras
    --custom-compile-command "make lock")
# Each in an environment of its own, as they do not resolve together with the product (see `make bench-peers`).
peers=(quixstreams bytewax pathway faust)
# As above: tools that never share a process with the product.
tools=(emulator checkers checkov)
images=(pipeline producer inference decision-api storage-jobs dashboard-api trainer cli dev servers uv)

"${compile[@]}" --no-annotate "$@" requirements.in requirements/servers.in requirements/uv.in \
    --output-file requirements/constraints.txt

lock() {
    "${compile[@]}" --generate-hashes --constraints requirements/constraints.txt --upgrade "$1.in" --output-file "$1.txt"
}

lock requirements
for image in "${images[@]}"; do
    lock "requirements/$image"
done
for peer in "${peers[@]}"; do
    "${compile[@]}" --generate-hashes "$@" "requirements/peers/$peer.in" --output-file "requirements/peers/$peer.txt"
done
for tool in "${tools[@]}"; do
    "${compile[@]}" --generate-hashes "$@" "requirements/tools/$tool.in" --output-file "requirements/tools/$tool.txt"
done
