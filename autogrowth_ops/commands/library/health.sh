# Health of proxy, replicas and datastores.

# timed WORDS...: what the words print, behind a line with their milliseconds.
timed() {
  clock
  timed_begun=$NOW
  timed_said=$("$@" 2>&1)
  timed_code=$?
  clock
  printf '%s\n%s\n' "$((NOW - timed_begun))" "$timed_said"
  return "$timed_code"
}

# ask CURL-WORDS...: `milliseconds`, then `status body`; fails unless the answer is 200.
ask() {
  temporary
  asked=$(curl --silent --show-error --max-time 5 --output "$TEMPORARY/body" --write-out '%{http_code} %{time_total}' "$@" 2>"$TEMPORARY/said")
  printf '%s\n%s %s\n' "$(printf '%s' "${asked#* }" | awk '{ printf "%d", $1 * 1000 }')" "${asked%% *}" \
    "$(head -c 500 "$TEMPORARY/body" 2>/dev/null; cat "$TEMPORARY/said")"
  [ "${asked%% *}" = 200 ]
}

# ask_replicas SERVICE:PORT:PATH...: a section for each replica of the serving release; if Docker does not answer, one for that.
ask_replicas() {
  serving=$(show "$BASE/stack/proxy/release")
  [ -n "$serving" ] || serving=$(current_release)
  temporary
  for wanted; do
    docker ps --all --quiet --no-trunc --filter "label=autogrowth.project=$PROJECT" --filter "label=autogrowth.release=$serving" \
      --filter "label=com.docker.compose.service=${wanted%%:*}" >"$TEMPORARY/replicas" 2>"$TEMPORARY/said" || {
      frame start docker
      cat "$TEMPORARY/said"
      frame end docker 1
      return
    }
    # shellcheck disable=SC2046
    [ -s "$TEMPORARY/replicas" ] || continue
    # shellcheck disable=SC2046
    docker inspect --format "$LOOK" $(cat "$TEMPORARY/replicas") | sort >"$TEMPORARY/found"
    while read -r name service status restarts code oom ip _; do
      frame start "replica:$service-${name##*-}"
      ask_replica "$status" "$restarts" "$code" "$oom" "$ip" "${wanted#*:}"
      frame end "replica:$service-${name##*-}" $?
    done <"$TEMPORARY/found"
  done
}

ask_replica() {
  if [ "$1" != running ]; then
    printf '0\n%s with exit code %s, %s restarts, out of memory: %s\n' "$1" "$3" "$2" "$4"
    return 1
  elif [ "$6" = : ]; then
    printf '0\nrunning, %s restarts\n' "$2"
  else
    replica_said=$(ask "http://$5:${6%%:*}${6#*:}")
    replica_code=$?
    [ "$2" = 0 ] || replica_said=$(printf '%s\n' "$replica_said" | sed "1a $2 restarts;")
    printf '%s\n' "$replica_said"
    return "$replica_code"
  fi
}

# ask_postgres HOST PORT USER DATABASE: a real query as the application, from the network the application uses. The
# password comes on standard input, in base64, and never stands in a command line.
ask_postgres() {
  IFS= read -r secret
  printf '%s' "$secret" | base64 -d | timed docker exec --interactive "$PROJECT-postgres-1" sh -c \
    'PGPASSWORD=$(cat; printf x); export PGPASSWORD="${PGPASSWORD%x}" PGCONNECT_TIMEOUT=5
     exec psql --no-psqlrc --tuples-only --no-align --host="$1" --port="$2" --username="$3" --dbname="$4" --command="select count(*) from pg_catalog.pg_class"' \
    sh "$@"
}

# ask_redis HOST PORT USER: authenticated PING and a write that expires; the password as with ask_postgres.
ask_redis() {
  IFS= read -r secret
  printf '%s' "$secret" | base64 -d | timed docker exec --interactive "$PROJECT-redis-1" sh -c \
    'REDISCLI_AUTH=$(cat; printf x); REDISCLI_AUTH=${REDISCLI_AUTH%x}; [ -z "$REDISCLI_AUTH" ] || export REDISCLI_AUTH
     [ -n "$3" ] && set -- "$1" "$2" --user "$3" || set -- "$1" "$2"
     host=$1 port=$2; shift 2
     redis-cli -h "$host" -p "$port" "$@" ping && redis-cli -h "$host" -p "$port" "$@" set autogrowth:health written EX 60' sh "$@" |
    awk '{ print } /PONG/ { pong = 1 } /^OK/ { written = 1 } END { exit !(pong && written) }'
}
