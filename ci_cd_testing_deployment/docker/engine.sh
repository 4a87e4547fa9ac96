#!/usr/bin/env bash
# A container engine of the project's own: nothing of another engine on this machine is seen or changed.
#
#   engine.sh up      start it (needs root), and print what a shell needs to use it, to eval
#   engine.sh env     print that for the one that runs
#   engine.sh down    stop it and its containers; images stay
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
work=${FRAUD_SHIP_CACHE:-.cache/ship}/docker
mkdir -p "$work/bin"
work=$(cd "$work" && pwd)
socket=$work/docker.sock

# A pid alone may be a stranger's: the moment at which the process began tells them apart.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
running() { [ -s "$work/engine.pid" ] && read -r pid start <"$work/engine.pid" && [ "$(began "$pid")" = "$start" ]; }
answers() { DOCKER_HOST=unix://$socket timeout 5 /usr/bin/docker version >/dev/null 2>&1; }

print_env() {
    # Debian's client builds with the engine's own BuildKit; newer ones ask for a plug-in. So it comes first.
    ln -sfn /usr/bin/docker "$work/bin/docker"
    cat <<EOT
export DOCKER_HOST=unix://$socket DOCKER_BUILDKIT=1 PATH=$work/bin:\$PATH
export TESTCONTAINERS_RYUK_DISABLED=true TESTCONTAINERS_CONNECTION_MODE=docker_host TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1
EOT
}

up() {
    if ! running; then
        if [ "$(id -u)" -ne 0 ]; then
            echo "a container engine needs root: run as root, or use one that you have (docker/build.sh takes any)" >&2
            exit 1
        fi
        ci_cd_testing_deployment/actions/packages.sh docker.io iptables
        local forward
        forward=$(iptables --list-rules FORWARD | sed -n 's/^-P FORWARD //p')
        rm -f "$work/dockerd.pid"
        setsid dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/dockerd.pid" \
            --host "unix://$socket" --storage-driver overlay2 >"$work/dockerd.log" 2>&1 </dev/null &
        echo "$! $(began $!)" >"$work/engine.pid"
    fi
    for _ in $(seq 240); do
        answers && break
        running || { tail -20 "$work/dockerd.log" >&2; echo "the engine ended; its log is $work/dockerd.log" >&2; exit 1; }
        sleep 0.25
    done
    answers || { echo "the engine does not answer; its log is $work/dockerd.log" >&2; exit 1; }
    # It forbids forwarding to everybody else on the machine; what was allowed before stays so.
    [ -z "${forward:-}" ] || iptables --policy FORWARD "$forward"
    print_env
}

down() {
    running || return 0
    kill "$pid"
    for _ in $(seq 240); do
        running || break
        sleep 0.25
    done
    if running; then
        echo "the engine (process $pid) does not stop; its log is $work/dockerd.log" >&2
        exit 1
    fi
    rm -f "$work/engine.pid"
}

case ${1:-} in
up) up ;;
env)
    running || { echo "no engine is running: ${BASH_SOURCE[0]} up" >&2; exit 1; }
    print_env
    ;;
down) down ;;
*) echo "usage: $0 up|env|down" >&2; exit 2 ;;
esac
