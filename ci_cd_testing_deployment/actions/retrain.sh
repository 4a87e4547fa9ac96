#!/usr/bin/env bash
# Start the training job of the current context's cluster now, and wait for its end.
#
#   retrain.sh NAMESPACE
set -euo pipefail

namespace=${1:?usage: retrain.sh NAMESPACE}
job=trainer-$(date -u +%Y%m%d%H%M)
kubectl --namespace "$namespace" create job "$job" --from=cronjob/trainer
deadline=$((SECONDS + 9000))
until [ "$(kubectl --namespace "$namespace" get job "$job" --output 'jsonpath={.status.succeeded}')" = 1 ]; do
    failed=$(kubectl --namespace "$namespace" get job "$job" --output 'jsonpath={.status.conditions[?(@.type=="Failed")].status}')
    if [ "$failed" = True ] || [ $SECONDS -gt $deadline ]; then
        kubectl --namespace "$namespace" logs "job/$job" --tail=50 >&2
        echo "$job did not train a model" >&2
        exit 1
    fi
    sleep 10
done
kubectl --namespace "$namespace" logs "job/$job" --tail=20
