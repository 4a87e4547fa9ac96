#!/usr/bin/env bash
# Says in one sentence what this machine lacks, and how to get it.
#
#   prerequisites.sh python          print the first suitable Python, or fail
#   prerequisites.sh check PYTHON    fail unless everything that a set-up needs is here
#   prerequisites.sh java | node     fail unless this one is here
#   prerequisites.sh servers         name those of PostgreSQL and Redis that are not installed
set -euo pipefail

lacking() {
    printf 'make: %s\n' "$1" >&2
    exit 1
}

suitable_python() {
    # Run it: a version manager may have put a name on the PATH that leads nowhere.
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3; do
        if suitable_python "$name"; then
            command -v "$name"
            return
        fi
    done
    lacking "Python 3.11, 3.12 or 3.13 is needed: install it (apt-get install python3 python3-venv, or brew install python@3.12), or name one: make setup PYTHON=/path/to/python3.12"
}

missing_servers() {
    local found=""
    found=$(command -v postgres || ls -d /usr/lib/postgresql/*/bin/postgres /usr/pgsql-*/bin/postgres 2>/dev/null) || true
    [ -n "$found" ] || echo postgresql
    command -v redis-server >/dev/null || echo redis
}

check_java() {
    local java=java version
    [ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java  # as the stack looks for it
    version=$("$java" -version 2>&1 | sed -n '/version "/{s/.*version "\([0-9]*\).*/\1/p;q;}') || true
    [ "${version:-0}" -ge 17 ] || lacking "Java 17 or newer is needed: install it (apt-get install default-jdk-headless, or brew install openjdk@17)"
    command -v mvn >/dev/null || lacking "Maven is needed to fetch Kafka and Spark's connector: install it (apt-get install maven, or brew install maven)"
}

check_node() {
    local version major minor
    version=$(node --version 2>/dev/null) || true
    # The ranges are those of the pages' build tools.
    IFS=. read -r major minor _ <<<"${version#v}"
    case "${major:-0}" in
        20) [ "${minor:-0}" -ge 19 ] && major=ok ;;
        22) [ "${minor:-0}" -ge 13 ] && major=ok ;;
        *) [ "${major:-0}" -ge 24 ] && major=ok ;;
    esac
    [ "$major" = ok ] || lacking "Node.js 20.19, 22.13, 24 or newer is needed: install it (brew install node, or a NodeSource or nvm package on Linux)"
    command -v npm >/dev/null || lacking "npm is needed beside Node.js: install it (apt-get install npm)"
}

check() {
    local python=$1
    [ -n "$python" ] || exit 1  # find_python has said why
    suitable_python "$python" || lacking "$python is not Python 3.11, 3.12 or 3.13: name another, as in make setup PYTHON=python3.12"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || lacking "$python cannot make virtual environments: install its venv module (apt-get install python3-venv)"
    check_java
    check_node
    if missing_servers | grep -q redis && ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
        lacking "redis-server is missing, and only Python 3.11 can have it from a wheel: install it (apt-get install redis-server, or brew install redis), or use make setup PYTHON=python3.11"
    fi
}

case "${1:-}" in
    python) find_python ;;
    servers) missing_servers ;;
    check) check "${2:-}" ;;
    java) check_java ;;
    node) check_node ;;
    *) lacking "usage: prerequisites.sh python | servers | check PYTHON | java | node" ;;
esac
