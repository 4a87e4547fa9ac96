#!/usr/bin/env bash
# Bring a release to the cluster that kubectl talks to, or bring the one before back.
#
#   deploy.sh apply ENVIRONMENT RELEASE REGISTRY      RELEASE: file of release.py; REGISTRY: where the environment pulls from
#   deploy.sh back                                    apply what was applied before the last release
#
# In order: what others need, the jobs before a roll-out, the rest; then wait until it runs. A release that does not come up in
# time is taken back, and the exit code says so. What was applied is kept in the cluster, so that going back needs nothing else.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
namespace=fraudstream
jobs_timeout_s=${FRAUD_JOBS_TIMEOUT_S:-900}
rollout_timeout_s=${FRAUD_ROLLOUT_TIMEOUT_S:-1800}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

usage() { sed -n '4,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
inside() { kubectl --namespace "$namespace" "$@"; }
apply() { kubectl apply --server-side --force-conflicts --field-manager=fraudstream-release --filename "$1" >/dev/null; }

# Calls a condition until it holds (0) or fails for good (2), at most so many seconds.
wait_for() { # SECONDS WHAT CONDITION...
    local limit_s=$1 what=$2 started_s=$SECONDS code
    shift 2
    while true; do
        code=0
        "$@" || code=$?
        case $code in
        0) return 0 ;;
        2) echo "$what failed" >&2; return 1 ;;
        esac
        if [ $((SECONDS - started_s)) -ge "$limit_s" ]; then
            echo "$what: not done after $limit_s s" >&2
            return 1
        fi
        sleep 2
    done
}

jobs_done() {
    local jobs
    jobs=$(inside get jobs --selector fraudstream.io/phase=before-rollout --output json |
        jq '[.items[] | [.status.conditions[]? | select(.status == "True") | .type]]')
    ! jq --exit-status 'any(index("Failed"))' <<<"$jobs" >/dev/null || return 2
    jq --exit-status 'all(index("Complete"))' <<<"$jobs" >/dev/null
}

# Flagger takes the new template, and is done with it when it has promoted it.
canary_done() { # NAME REVISION-BEFORE
    local status phase
    status=$(inside get canary "$1" --output json | jq '.status // {}')
    phase=$(jq -r '.phase // ""' <<<"$status")
    [ "$phase" != Failed ] || return 2
    [ "$(jq -r '.lastAppliedSpec // ""' <<<"$status")" != "$2" ] && [[ $phase == Succeeded || $phase == Initialized ]]
}

streams_run() {
    local states
    states=$(inside get sparkapplications --output json | jq '[.items[].status.applicationState.state]')
    ! jq --exit-status 'any(. == "FAILED")' <<<"$states" >/dev/null || return 2
    jq --exit-status 'all(. == "RUNNING")' <<<"$states" >/dev/null
}

# What Flagger has under way, by name, with the template that it last took and the one that is there.
canaries() { inside get canaries --output json 2>/dev/null | jq -r '.items[] | "\(.metadata.name) \(.status.lastAppliedSpec // "-")"' || true; }
generation() { inside get deployment "$1" --output jsonpath='{.metadata.generation}' 2>/dev/null || echo 0; }

roll_out() { # FOLDER: apply its three files, wait until all runs
    local name spec before=() old
    while read -r name spec; do
        [ -z "$name" ] || before+=("$name $spec $(generation "$name")")
    done < <(canaries)
    apply "$1/1-first.yaml"
    # A job cannot be changed, only made anew.
    inside delete jobs --selector fraudstream.io/phase=before-rollout --ignore-not-found --wait >/dev/null
    if [ -s "$1/2-jobs.yaml" ]; then
        apply "$1/2-jobs.yaml"
        wait_for "$jobs_timeout_s" "a job before the roll-out" jobs_done || return 1
    fi
    apply "$1/3-rest.yaml"
    for name in $(inside get deployments --selector app.kubernetes.io/part-of=fraudstream --output name); do
        inside rollout status "$name" --timeout "${rollout_timeout_s}s" >/dev/null || return 1
    done
    for old in "${before[@]}"; do
        read -r name spec generation_before <<<"$old"
        [ "$(generation "$name")" != "$generation_before" ] || continue
        wait_for "$rollout_timeout_s" "the canary of $name" canary_done "$name" "$spec" || return 1
    done
    wait_for "$rollout_timeout_s" "the stream" streams_run
}

remember() { # SLOT FOLDER
    tar --create --gzip --file "$work/$1.tgz" --directory "$2" .
    inside create configmap "release-$1" --from-file="manifests.tgz=$work/$1.tgz" --dry-run=client --output yaml |
        kubectl apply --server-side --force-conflicts --field-manager=fraudstream-release --filename - >/dev/null
}

# The controller of experiments notes its steps on the route that it moves, and a release would move it back.
refuse_in_experiment() {
    local routes
    routes=$(inside get httproutes --output json 2>/dev/null |
        jq -r '.items[] | select((.metadata.annotations["fraudstream.io/ab-history"] // "") != "") | .metadata.name')
    [ -z "$routes" ] || {
        echo "an experiment runs on the route $routes: end it first, by promote or rollback, then stop, of ab_testing" >&2
        exit 1
    }
}

recall() { # SLOT FOLDER: whether there is one
    local packed
    packed=$(inside get configmap "release-$1" --output 'jsonpath={.binaryData.manifests\.tgz}' 2>/dev/null) || return 1
    mkdir -p "$2"
    base64 --decode <<<"$packed" | tar --extract --gzip --directory "$2"
}

back() { # SLOT
    recall "$1" "$work/back" || { echo "there is no release to go back to" >&2; return 1; }
    roll_out "$work/back" || { echo "the release before does not come up either: see kubectl get events" >&2; return 1; }
    remember current "$work/back"
    echo "the release before is back"
}

case ${1:-} in
apply)
    [ $# -eq 4 ] || usage
    refuse_in_experiment
    (cd "$root" && "${PYTHON:-python3}" -m ci_cd_testing_deployment.actions.release render "$2" "$3" "$4" "$work/next")
    if roll_out "$work/next"; then
        ! recall current "$work/before" || remember before "$work/before"
        remember current "$work/next"
        echo "$2 runs $(jq -r .revision "$3")"
    else
        echo "taking the release back" >&2
        back current >&2 || true
        exit 1
    fi
    ;;
back)
    [ $# -eq 1 ] || usage
    back before
    ;;
*) usage ;;
esac
