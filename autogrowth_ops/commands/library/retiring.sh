# The end of what was replaced. It goes on behind the end of the script that orders it, and of the connection.

# retire ID SECONDS SERVICE...: all containers of a release stop and are kept: the named services after so many seconds,
# unless the release is taken back meanwhile, all others at once.
retire() {
  clock
  put "$BASE/releases/$1/retires" $((NOW / 1000 + $2)) || return 1
  exec 8>"$BASE/releases/$1/retiring" && flock --shared 8 || return 1
  (attempt "retired-$1" stop_in_time "$@") </dev/null >/dev/null 2>&1 &
  exec 8>&-
}

stop_in_time() {
  retired=$1 retired_in=$2
  shift 2
  # shellcheck disable=SC2046
  [ $# = 0 ] || (flock 9 && stop_containers $(containers_beside "$retired" "$*")) 9>"$BASE/releases/$retired/stopping"
  sleep "$retired_in"
  (flock 9 && stop_when_due "$retired") 9>"$BASE/retire.guard"
}

# containers_beside ID SERVICES: ids of a release's running containers of all other services; a migration is none.
containers_beside() {
  docker ps --no-trunc --filter "label=autogrowth.project=$PROJECT" --filter "label=autogrowth.release=$1" \
    --filter label=com.docker.compose.oneoff=False \
    --format '{{.ID}} {{.Label "com.docker.compose.service"}}' | awk -v kept=" $2 " 'index(kept, " " $2 " ") == 0 { print $1 }'
}

# stop_when_due ID: it may have been taken back, and retired again for later.
stop_when_due() {
  [ -f "$BASE/releases/$1/retires" ] && [ "$(show "$BASE/stack/proxy/release")" != "$1" ] || return 0
  clock
  [ $((NOW / 1000)) -ge "$(cat "$BASE/releases/$1/retires")" ] || return 0
  # shellcheck disable=SC2046
  stop_containers $(containers_beside "$1" "") && rm -f "$BASE/releases/$1/retires"
}

# take_back ID: its services that answer requests are not to stop any more; if they are stopping just now, they have
# stopped when this ends.
take_back() {
  [ ! -f "$BASE/releases/$1/retires" ] || (flock 9 && rm -f "$BASE/releases/$1/retires") 9>"$BASE/retire.guard"
}

# all_stopped ID: when this ends, workers of the release that were told to stop have done so.
all_stopped() {
  take_back "$1" || return 1
  [ ! -f "$BASE/releases/$1/stopping" ] || flock "$BASE/releases/$1/stopping" true
}

# retiring: `id seconds` of each release that will stop; seconds below 0 if nobody does it any more: all who will share a
# lock meanwhile.
retiring() {
  clock
  for path in "$BASE"/releases/*/retires; do
    [ -f "$path" ] || continue
    folder=${path%/retires} seconds=$(($(cat "$path") - NOW / 1000))
    if flock --nonblock "$folder/retiring" true; then seconds=-1; fi
    printf '%s %s\n' "${folder##*/}" "$seconds"
  done
}
