#!/usr/bin/env bash
# Takes away what setup.sh made: its port-forwards (and no other kubectl), both releases and the namespace with all that is in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. helm/port_forwards.sh

die() {
  { set +x; trap - ERR; } 2>/dev/null
  echo "teardown.sh: $*" >&2
  exit 1
}
need() { command -v "$1" >/dev/null || die "$1 is missing: $2"; }

stop_forwards

need kubectl "https://kubernetes.io/docs/tasks/tools"
need helm "https://helm.sh/docs/intro/install"
kubectl get --raw /version --request-timeout=10s >/dev/null 2>&1 ||
  die "no cluster answers: start it or choose it with kubectl config use-context, and run ./teardown.sh again"

trap 'die "this failed: $BASH_COMMAND. Run ./teardown.sh again"' ERR
set -x

helm uninstall sse-kafka-fanout sse-kafka-fanout-kafka --namespace $NAMESPACE --ignore-not-found
kubectl delete namespace $NAMESPACE --ignore-not-found --timeout=120s
