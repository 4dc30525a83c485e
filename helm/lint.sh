#!/usr/bin/env bash
# Lints both charts, as a part of `npm run check`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v helm >/dev/null; then
  echo "charts: skipped, helm is not installed (https://helm.sh/docs/intro/install)"
  exit 0
fi
helm lint --strict --quiet helm/kafka
helm lint --strict --quiet helm/gateway --set 'kafka.brokers={kafka:9092}'
helm lint --strict --quiet helm/gateway --values test/cluster/all_values.yaml
echo "charts: helm lint found nothing"
