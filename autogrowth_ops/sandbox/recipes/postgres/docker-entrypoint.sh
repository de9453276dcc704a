#!/bin/bash
# What the official image's entrypoint promises: the first start on an empty data folder creates the cluster, the user,
# the database and runs /docker-entrypoint-initdb.d; the server then runs as the user postgres.
set -euo pipefail

from_file() {  # NAME_FILE names a file with NAME's value
  local name=$1 file_name=${1}_FILE
  if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then
    echo "both $name and $file_name are set" >&2; exit 1
  fi
  if [ -n "${!file_name:-}" ]; then export "$name=$(< "${!file_name}")"; unset "$file_name"; fi
  export "$name=${!name:-${2:-}}"
}

run_script() {
  case $1 in
    *.sh) if [ -x "$1" ]; then "$1"; else . "$1"; fi ;;
    *.sql) in_database < "$1" ;;
    *.sql.gz) gunzip -c "$1" | in_database ;;
    *) echo "ignoring $1" ;;
  esac
}

in_database() {
  PGHOST='' psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"
}

create_cluster() {
  if [ -z "$POSTGRES_PASSWORD" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    echo "database is uninitialized and superuser password is not specified; set POSTGRES_PASSWORD" >&2; exit 1
  fi
  # shellcheck disable=SC2086  # POSTGRES_INITDB_ARGS is a list of words
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-}
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >> "$PGDATA/pg_hba.conf"
}

fill_cluster() {
  pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
  if [ "$POSTGRES_DB" != postgres ]; then
    POSTGRES_DB=postgres in_database --set db="$POSTGRES_DB" <<< 'CREATE DATABASE :"db";'
  fi
  local script
  for script in /docker-entrypoint-initdb.d/*; do [ ! -f "$script" ] || run_script "$script"; done
  pg_ctl -D "$PGDATA" -m fast -w stop
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

[ "${1:0:1}" != - ] || set -- postgres "$@"

if [ "$1" = postgres ]; then
  # Before the change of user: a secret's file may be readable by root only.
  from_file POSTGRES_PASSWORD
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
fi

if [ "$1" = postgres ] && [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  create_cluster
  fill_cluster
fi
exec "$@"
