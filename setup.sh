#!/usr/bin/env bash
# Installs a Kafka for trying out and the gateway on the Kubernetes cluster that kubectl is set to, and forwards their ports to
# this machine. It may be run again at any time. ./teardown.sh takes all of it away.
#
#   ./setup.sh                           builds the image here; a kind or minikube cluster gets it loaded
#   IMAGE=registry/name:tag ./setup.sh   takes a published image
#   LOAD_IMAGE=command ./setup.sh        for other clusters that do not share Docker's images: `command NAME:TAG` loads one
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. helm/port_forwards.sh

quietly() { { set +x; trap - ERR; } 2>/dev/null; }
die() {
  quietly
  stop_forwards >&2
  echo "setup.sh: $*" >&2
  exit 1
}
need() { command -v "$1" >/dev/null || die "$1 is missing: $2"; }

# What pods wait for, as the cluster says it: an image that cannot be had, a volume, memory.
waiting_pods() {
  kubectl get pods --namespace "$NAMESPACE" -o json | jq -r '.items[]
    | .metadata.name + ": " + (
        (.status.containerStatuses[]?.state.waiting | select(. != null) | .reason + " " + (.message // "")),
        (.status.conditions[]? | select(.type == "PodScheduled" and .status == "False") | .message))' || true
}
failed() {
  quietly
  waiting_pods >&2 2>/dev/null || true
  die "this failed: $1. Mend what is said above and run ./setup.sh again, or begin anew with ./teardown.sh"
}

wait_for_port() { # PORT PID
  local deadline=$((SECONDS + 30))
  until nc -z localhost "$1"; do
    kill -0 "$2" 2>/dev/null || die "the port-forward to $1 ended: $(tail -n 1 "$FORWARDS_LOG")"
    [ $SECONDS -lt $deadline ] || die "port $1 does not answer after 30 s: $(tail -n 1 "$FORWARDS_LOG")"
    sleep 1
  done
}

need kubectl "https://kubernetes.io/docs/tasks/tools"
need helm "https://helm.sh/docs/intro/install"
need jq "apt-get install jq, or brew install jq"
need ps "apt-get install procps"
need nc "apt-get install netcat-openbsd, or brew install netcat"
kubectl get --raw /version --request-timeout=10s >/dev/null 2>&1 ||
  die "no cluster answers: start one (Docker Desktop, kind create cluster, minikube start) or choose it with kubectl config use-context"
CONTEXT=$(kubectl config current-context)
if [ -z "${IMAGE:-}" ]; then
  need docker "https://docs.docker.com/get-docker to build the image, or name a published one: IMAGE=registry/name:tag ./setup.sh"
  case $CONTEXT in
    kind-*) need kind "it loads the image into the cluster, https://kind.sigs.k8s.io" ;;
    minikube) need minikube "it loads the image into the cluster, https://minikube.sigs.k8s.io" ;;
  esac
fi

stop_forwards
for port in 8080 9090 9092 29092; do
  if nc -z localhost "$port" >/dev/null 2>&1; then
    die "port $port of this machine is in use: stop what listens there (npm start? another port-forward?)"
  fi
done

mkdir -p .data
echo "$CONTEXT" >.data/context # for teardown.sh
echo "Installing in the context $CONTEXT"
trap 'failed "$BASH_COMMAND"' ERR
set -x

if [ -z "${IMAGE:-}" ]; then
  IMAGE=sse-kafka-fanout:$(jq -r .version package.json)
  docker build --target node --tag "$IMAGE" .
  IMAGE_ID=$(docker image inspect --format '{{.Id}}' "$IMAGE")
  case $CONTEXT in
    kind-*) kind load docker-image "$IMAGE" --name "${CONTEXT#kind-}" ;;
    minikube) minikube image load "$IMAGE" ;;
    *) [ -z "${LOAD_IMAGE:-}" ] || $LOAD_IMAGE "$IMAGE" ;;
  esac
fi

helm upgrade --install sse-kafka-fanout-kafka helm/kafka --namespace $NAMESPACE --create-namespace --wait --timeout 10m

# The topic comes before the gateway, which is ready only once it has loaded it.
KAFKA_POD=$(kubectl get pods --namespace $NAMESPACE --selector app.kubernetes.io/instance=sse-kafka-fanout-kafka -o name)
kubectl exec --namespace $NAMESPACE "$KAFKA_POD" -- /opt/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092 --create --topic events --config cleanup.policy=compact --if-not-exists

case ${IMAGE##*/} in *:*) ;; *) IMAGE=$IMAGE:latest ;; esac
# By the annotation a rebuilt image of the same tag takes the place of the one that runs.
helm upgrade --install sse-kafka-fanout helm/gateway --namespace $NAMESPACE --create-namespace --wait --timeout 5m \
  --set 'kafka.brokers={kafka:29092}' --set "image.repository=${IMAGE%:*}" --set-string "image.tag=${IMAGE##*:}" \
  --set-string "podAnnotations.image-id=${IMAGE_ID:-$IMAGE}"

kubectl port-forward --namespace $NAMESPACE service/sse-kafka-fanout 8080 9090 >>"$FORWARDS_LOG" 2>&1 &
GATEWAY_FORWARD=$!
echo $GATEWAY_FORWARD >>"$FORWARDS"
kubectl port-forward --namespace $NAMESPACE service/kafka 9092 29092 >>"$FORWARDS_LOG" 2>&1 &
KAFKA_FORWARD=$!
echo $KAFKA_FORWARD >>"$FORWARDS"
wait_for_port 8080 $GATEWAY_FORWARD
wait_for_port 9090 $GATEWAY_FORWARD
wait_for_port 9092 $KAFKA_FORWARD
