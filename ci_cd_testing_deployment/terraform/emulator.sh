#!/usr/bin/env bash
# An imitation of AWS on the loopback, to try the environments without an account.
#
#   emulator.sh up      start it, and print what a shell needs to use it, to eval
#   emulator.sh down    stop it; what was made in it is gone
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(cd "$root" && mkdir -p "${FRAUD_SHIP_CACHE:-.cache/ship}/infra" && cd "${FRAUD_SHIP_CACHE:-.cache/ship}/infra" && pwd)
port=${FRAUD_EMULATOR_PORT:-14566}
venv=$root/.venvs/emulator
address=http://127.0.0.1:$port

# A pid alone may be a stranger's: the moment at which the process began tells them apart.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
running() { [ -s "$work/emulator.pid" ] && read -r pid start <"$work/emulator.pid" && [ "$(began "$pid")" = "$start" ]; }

install() {
    stamp=$venv/.stamp-$(sha256sum "$root/requirements/tools/emulator.txt" | cut -c1-16)
    [ -e "$stamp" ] && return
    echo "installing the emulator" >&2
    "$root/.cache/uv/bin/uv" venv --quiet --clear --python "$root/.venv/bin/python" "$venv" >&2
    "$root/.cache/uv/bin/uv" pip sync --quiet --python "$venv/bin/python" --require-hashes "$root/requirements/tools/emulator.txt" >&2
    touch "$stamp"
}

up() {
    install
    if ! running; then
        mkdir -p "$work/emulator"
        # Without BIND_HOST it listens on every interface; with a Docker address it would start containers.
        env -u DOCKER_HOST -u AWS_ENDPOINT_URL BIND_HOST=127.0.0.1 GATEWAY_PORT="$port" MINISTACK_PORT="$port" \
            LAMBDA_EXECUTOR=local MINISTACK_ACCOUNT_ID=123456789012 TMPDIR="$work/emulator" PATH="$venv/bin:$PATH" \
            setsid "$venv/bin/ministack" >"$work/emulator.log" 2>&1 </dev/null &
        echo "$! $(began $!)" >"$work/emulator.pid"
    fi
    for _ in $(seq 120); do
        curl --silent --fail --max-time 2 "$address/_ministack/health" >/dev/null && break
        running || { tail -5 "$work/emulator.log" >&2; echo "the emulator ended; its log is $work/emulator.log" >&2; exit 1; }
        sleep 0.25
    done
    curl --silent --fail --max-time 2 "$address/_ministack/health" >/dev/null || { echo "the emulator does not answer" >&2; exit 1; }
    cat <<EOT
export AWS_ENDPOINT_URL=$address AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=eu-central-1
export AWS_DEFAULT_REGION=eu-central-1 AWS_EC2_METADATA_DISABLED=true PATH=$venv/bin:\$PATH
export TF_VAR_github_repository=owner/fraudstream TF_VAR_has_shared_volumes=${TF_VAR_has_shared_volumes:-true}
EOT
}

down() {
    running || return 0
    kill "$pid"
    for _ in $(seq 80); do
        running || break
        sleep 0.25
    done
    ! running || kill -9 "$pid"
    rm -f "$work/emulator.pid"
}

case ${1:-} in
up) up ;;
down) down ;;
*) echo "usage: $0 up|down" >&2; exit 2 ;;
esac
