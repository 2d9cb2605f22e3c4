#!/bin/sh
# Makes every secret of docker-compose.airflow.yml, each in a file of its own: `docker/make-secrets.sh [FOLDER]`.
# What is there already is kept, so that a second run changes nothing. The folder is open to its owner only; the files
# in it are readable, for inside a container somebody else reads them.
set -eu
folder="${1:-secrets}"
umask 077
mkdir -p "$folder"
chmod 0700 "$folder"
random() { openssl rand -base64 "$1" | tr -d '\n' | tr '+/' '-_'; }
put() { # name, value; no line end, for Airflow takes what `cat` prints as it is
  if [ ! -s "$folder/$1" ]; then printf '%s' "$2" > "$folder/$1.new"; chmod 0444 "$folder/$1.new"; mv "$folder/$1.new" "$folder/$1"; fi
}
put postgres_password "$(random 33)"
put airflow_database_password "$(random 33)"
put lake_database_password "$(random 33)"
put airflow_database_uri "postgresql+psycopg2://airflow:$(cat "$folder/airflow_database_password")@postgres:5432/airflow"
put lake_database_uri "postgresql+psycopg2://lake:$(cat "$folder/lake_database_password")@postgres:5432/lake"
put fernet_key "$(random 32)"
put jwt_secret "$(random 66)"
put api_secret_key "$(random 33)"
put admin_password "$(random 18)"
put s3_key "$(openssl rand -hex 10)"
put s3_secret "$(random 30)"
put site_password "$(random 12)"
put site_users "reader:$(openssl passwd -6 -stdin < "$folder/site_password")"
echo "secrets are in $folder: the administrator's password of Airflow is in admin_password, the readers' in site_password"
