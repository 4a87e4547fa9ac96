#!/usr/bin/env bash
# Ask a running decision API whether it decides.
#
#   smoke.sh URL           for example http://127.0.0.1:8080
#   smoke.sh --cluster     the one in the cluster that kubectl talks to, through a port of this machine
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: $0 URL|--cluster" >&2; exit 2; }
url=$1
wait_s=${FRAUD_SMOKE_WAIT_S:-60}
work=$(mktemp -d)
forward=
end() {
    [ -z "$forward" ] || kill "$forward" 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT

if [ "$url" = --cluster ]; then
    kubectl --namespace fraudstream port-forward service/decision-api :80 >"$work/forward" 2>&1 &
    forward=$!
    for _ in $(seq "$wait_s"); do
        port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\).*/\1/p' "$work/forward")
        [ -z "$port" ] || break
        sleep 1
    done
    [ -n "$port" ] || { cat "$work/forward" >&2; echo "no port leads to the service" >&2; exit 1; }
    url=http://127.0.0.1:$port
fi

ask() { curl --silent --show-error --max-time 10 --output "$work/answer" --write-out '%{http_code}' "$@"; }
started_s=$SECONDS
until [ "$(ask "$url/readyz" 2>"$work/error" || true)" = 200 ]; do
    if [ $((SECONDS - started_s)) -ge "$wait_s" ]; then
        cat "$work/error" "$work/answer" >&2 2>/dev/null || true
        echo "$url is not ready after $wait_s s" >&2
        exit 1
    fi
    sleep 1
done

# A card of its own, so that no customer's features hear of it.
now_ms=$(date +%s%3N)
body=$(jq --null-input --compact-output --argjson now_ms "$now_ms" '{
    transaction_id: "smoke-\($now_ms)", event_time: $now_ms, utc_offset_min: 60, customer_id: "smoke", card_token: "smoke-card",
    merchant_id: "smoke-shop", mcc: "5411", amount_minor: 1000, amount_base_minor: 1000, currency: "EUR",
    merchant_country: "AT", channel: "chip"
}')
code=$(ask --header 'Content-Type: application/json' --data "$body" "$url/v1/decisions")
outcome=$(jq -r '.outcome // ""' "$work/answer" 2>/dev/null || true)
case "$code $outcome" in
"200 approve" | "200 challenge" | "200 review" | "200 decline") echo "$url decides: $outcome" ;;
*)
    cat "$work/answer" >&2
    echo "$url answered $code" >&2
    exit 1
    ;;
esac
