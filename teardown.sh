#!/usr/bin/env bash
# Takes away what setup.sh made: its port-forwards (and no other kubectl), both releases and the namespace with all that is in it.
# It deletes in the context of kubectl that setup.sh noted, and in another only where that is named:
#
#   ./teardown.sh [--context NAME]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. helm/port_forwards.sh
NOTE=.data/context

die() {
  { set +x; trap - ERR; } 2>/dev/null
  echo "teardown.sh: $*" >&2
  exit 1
}
need() { command -v "$1" >/dev/null || die "$1 is missing: $2"; }

[ $# = 0 ] || { [ $# = 2 ] && [ "$1" = --context ]; } || die "usage: ./teardown.sh [--context NAME]"
need kubectl "https://kubernetes.io/docs/tasks/tools"
need helm "https://helm.sh/docs/intro/install"
CONTEXT=$(kubectl config current-context 2>/dev/null) || CONTEXT=
NOTED=
[ ! -f "$NOTE" ] || NOTED=$(<"$NOTE")
MEANT=${2:-$NOTED}
if [ -n "$MEANT" ] && [ "$MEANT" != "$CONTEXT" ]; then
  die "kubectl is set to the context ${CONTEXT:-none}, not to $MEANT${NOTED:+ (setup.sh installed in $NOTED)}:" \
    "kubectl config use-context $MEANT and again, or ./teardown.sh --context ${CONTEXT:-NAME} if that one is meant"
fi

stop_forwards
kubectl get --raw /version --request-timeout=10s >/dev/null 2>&1 ||
  die "no cluster answers: start it or choose it with kubectl config use-context, and run ./teardown.sh again"

if [ -z "$MEANT" ]; then
  if [ -z "$(kubectl get namespace $NAMESPACE --ignore-not-found --output name)" ]; then
    echo "There is nothing to take away in the context $CONTEXT"
    exit
  fi
  die "the namespace $NAMESPACE of the context $CONTEXT is not one that setup.sh made in this clone:" \
    "./teardown.sh --context $CONTEXT if it is to be deleted"
fi
echo "Taking it away in the context $CONTEXT"

trap 'die "this failed: $BASH_COMMAND. Run ./teardown.sh again"' ERR
set -x

helm uninstall sse-kafka-fanout sse-kafka-fanout-kafka --namespace $NAMESPACE --ignore-not-found
kubectl delete namespace $NAMESPACE --ignore-not-found --timeout=120s
{ set +x; } 2>/dev/null
[ "$CONTEXT" != "$NOTED" ] || rm -f "$NOTE"
