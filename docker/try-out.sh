#!/bin/sh
# Builds and starts docker-compose.airflow.yml as a project of its own, looks at every service, and removes it again.
# Wants Docker with Compose; touches nothing of a running installation. `docker/try-out.sh [--keep]`
set -eu
cd "$(dirname "$0")/.."
docker info > /dev/null 2>&1 || { echo "no engine answers: docker info fails"; exit 2; }
folder="$(mktemp -d)"
export SECRETS="$folder/secrets" AIRFLOW_PORT="${AIRFLOW_PORT:-18080}" SITE_PORT="${SITE_PORT:-18081}"
export AIRFLOW_URL="http://localhost:$AIRFLOW_PORT"
compose() { docker compose --project-name citybrain-try-out --file docker-compose.airflow.yml "$@"; }
end() {
  status=$?
  if [ "$status" -ne 0 ]; then compose ps --all || true; compose logs --tail 40 || true; fi
  if [ "${1:-}" != --keep ]; then compose down --volumes --remove-orphans > /dev/null 2>&1 || true; rm -rf "$folder"; fi
  exit "$status"
}
trap 'end "${keep:-}"' EXIT
keep="${1:-}"
docker/make-secrets.sh "$SECRETS" > /dev/null
compose up --build --detach --wait --wait-timeout 600
compose exec -T airflow-scheduler sh -c 'test "$(id -u)" = 50000 && ! touch /opt/citybrain/x 2> /dev/null'
compose exec -T airflow-scheduler sh -c '! command -v gcc cc pip'
compose exec -T airflow-scheduler citybrain contract check
curl --fail --silent --show-error "http://localhost:$AIRFLOW_PORT/api/v2/monitor/health"
test "$(curl --silent --output /dev/null --write-out '%{http_code}' "http://localhost:$AIRFLOW_PORT/api/v2/dags")" = 401
test "$(curl --silent --output /dev/null --write-out '%{http_code}' "http://localhost:$SITE_PORT/briefs/")" = 401
curl --fail --silent --output /dev/null --user "reader:$(cat "$SECRETS/site_password")" "http://localhost:$SITE_PORT/briefs/"
compose restart airflow-scheduler && compose up --detach --wait
echo "all services are healthy"
