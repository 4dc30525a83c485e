# shellcheck shell=bash
# The port-forwards that setup.sh started, for setup.sh and teardown.sh. Their pids are kept in a file.
NAMESPACE=sse-kafka-fanout
FORWARDS=.data/port-forwards
FORWARDS_LOG=.data/port-forwards.log

stop_forwards() {
  [ -f "$FORWARDS" ] || return 0
  local pid i
  while read -r pid; do
    # The pid may be another program's by now.
    case $(ps -p "$pid" -o args= 2>/dev/null) in
      *"port-forward --namespace $NAMESPACE "*)
        echo "Stopping the port-forward with pid $pid"
        kill "$pid" 2>/dev/null || true
        # Its ports are free only then.
        for ((i = 0; i < 50; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        ;;
    esac
  done < "$FORWARDS"
  rm -f "$FORWARDS" "$FORWARDS_LOG"
}
