# What status, logs, exec and audit read.

USAGE='{{.Id}} {{.RestartCount}} {{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.State.StartedAt}} {{.State.OOMKilled}} {{.Image}}'

# details: restarts, limits, start and image of each container.
details() {
  every=$(docker ps --all --quiet --no-trunc --filter "label=autogrowth.project=$PROJECT")
  # shellcheck disable=SC2086
  [ -z "$every" ] || docker inspect --format "$USAGE" $every
}

# logs TAIL SINCE FOLLOW SERVICE...: lines of all containers of the serving release and the stack, each behind its name.
logs() {
  log_tail=$1 log_since=$2 log_follow=$3
  shift 3
  serving=$(show "$BASE/stack/proxy/release")
  [ -n "$serving" ] || serving=$(current_release)
  chosen=$(for service; do
    docker ps --all --filter "label=autogrowth.project=$PROJECT" --filter "label=com.docker.compose.service=$service" \
      --format '{{.Names}} {{.Label "autogrowth.release"}}' | awk -v serving="$serving" '$2 == "" || $2 == serving { print $1 }'
  done)
  [ -n "$chosen" ] || { printf 'no container of: %s\n' "$*" >&2; return 3; }
  for name in $chosen; do
    docker logs --timestamps --tail "$log_tail" ${log_since:+--since "$log_since"} ${log_follow:+--follow} "$name" 2>&1 | sed -u "s/^/$name /" &
  done
  wait
}

# one_container SERVICE: its name; the serving release's first.
one_container() {
  serving=$(show "$BASE/stack/proxy/release")
  [ -n "$serving" ] || serving=$(current_release)
  docker ps --filter "label=autogrowth.project=$PROJECT" --filter "label=com.docker.compose.service=$1" \
    --format '{{.Names}} {{.Label "autogrowth.release"}}' | awk -v serving="$serving" '$2 == "" || $2 == serving { print $1; exit }'
}

# tail_audit LINES
tail_audit() { [ ! -f "$BASE/audit.jsonl" ] || tail -n "$1" "$BASE/audit.jsonl"; }
