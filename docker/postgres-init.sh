#!/bin/sh
# Run once by the image of PostgreSQL, when its volume is empty: one role and one database for each of the two.
set -eu
for name in airflow lake; do
  psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<SQL
\set password \`cat /run/secrets/${name}_database_password\`
CREATE ROLE ${name} LOGIN PASSWORD :'password';
CREATE DATABASE ${name} OWNER ${name};
REVOKE ALL ON DATABASE ${name} FROM PUBLIC;
SQL
done
