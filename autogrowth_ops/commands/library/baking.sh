# The first minutes of a release, judged through the proxy against the release before.

BAKE_LINES=20000 BAKE_FAILED=3 BAKE_ANSWERS=20 BAKE_SPEEDS=100

# bake ID OLD SECONDS PERCENT SLOWDOWN PATH CURL-WORDS...: for so many seconds no container of the release ends, the proxy
# answers, and its log shows no more failed answers than PERCENT of them (or than OLD had), nor in the second half a 95th
# percentile of more than SLOWDOWN times that of OLD; each once there are enough answers to judge by. PATH, which monitors
# ask, does not count. Code 23: it is worse.
bake() {
  baked=$1 bake_old=$2 bake_seconds=$3 bake_percent=$4 bake_slowdown=$5 bake_path=$6
  shift 6
  clock
  bake_begun=$NOW bake_since=$((NOW / 1000 - 5)) bake_silent=0
  temporary
  docker logs --tail "$BAKE_LINES" "$PROJECT-proxy-1" 2>&1 | answers_of "$bake_old" 0 >"$TEMPORARY/before"
  bake_watched=$(containers_of "$baked") || return 1
  while :; do
    sleep 1
    has_ended && return 23
    probe "$@" || return 23
    requests_since | answers_of "$baked" 0 >"$TEMPORARY/after"
    is_failing && return 23
    clock
    [ $((NOW - bake_begun)) -lt $((bake_seconds * 1000)) ] || break
  done
  is_slow && return 23
  printf 'bake: %s; %s\n' "$(told failed after)" "$(told took late)"
}

requests_since() { docker logs --tail "$BAKE_LINES" --since "$bake_since" "$PROJECT-proxy-1" 2>&1; }

# answers_of ID SINCE: `status milliseconds` of the release's answers since then, from the proxy's log.
answers_of() {
  awk -v release="\"release\":\"$1\"" -v path="\"uri\":\"$bake_path\"" -v since="$2" '
    index($0, release) && !index($0, path) && match($0, /"ts":[0-9.]+/) && substr($0, RSTART + 5, RLENGTH - 5) + 0 >= since + 0 {
      match($0, /"duration":[0-9.e-]+/); duration = substr($0, RSTART + 11, RLENGTH - 11)
      match($0, /"status":[0-9]+/); print substr($0, RSTART + 9, RLENGTH - 9), int(duration * 1000)
    }'
}

# has_ended: a container of the release ended, whether or not Docker started it again, or was out of memory; told with its
# evidence.
has_ended() {
  # shellcheck disable=SC2086
  docker inspect --format "$LOOK" $bake_watched >"$TEMPORARY/look" || return 0
  ended=$(awk '$3 != "running" || $4 > 0 || $6 == "true" { print substr($1, 2) }' "$TEMPORARY/look")
  [ -n "$ended" ] || return 1
  clock
  docker events --since "$bake_since" --until $((NOW / 1000 + 1)) --filter event=oom --filter event=die \
    --filter "label=autogrowth.release=$baked" \
    --format '{{.Actor.Attributes.name}} {{.Action}} {{.Actor.Attributes.exitCode}}' >"$TEMPORARY/events"
  for name in $ended; do
    awk -v name="$name" -v shown="${name#"$PROJECT-$baked-"}" '
      $1 == name && $2 == "oom" { oom = " was out of memory" }
      $1 == name && $2 == "die" { code = " ended with exit code " $3 }
      END { printf "%s%s%s, ", shown, oom, oom && code ? " and" code : code }' "$TEMPORARY/events"
  done
  printf 'while it was watched\n'
  # shellcheck disable=SC2086
  evidence $ended
}

# probe CURL-WORDS...: fails when the proxy has not answered 200 from this release for three times.
probe() {
  answer=$(curl --silent --max-time 5 --output "$TEMPORARY/body" --dump-header "$TEMPORARY/headers" --write-out '%{http_code}' "$@")
  if [ "$answer" = 200 ] && grep -qi "^x-release: $baked" "$TEMPORARY/headers"; then
    bake_silent=0
  else
    bake_silent=$((bake_silent + 1))
  fi
  [ "$bake_silent" -lt 3 ] || { printf 'through the proxy: %s %s\n' "$answer" "$(head -c 1000 "$TEMPORARY/body" 2>/dev/null)"; return 1; }
}

# told WHAT FILE: what a person reads of the answers in a file.
told() {
  summed "$2" | awk -v what="$1" \
    '{ print what == "failed" ? sprintf("%d of %d answers failed", $2, $1) : sprintf("95 of 100 answers took at most %d ms", $3) }'
}

# summed FILE: how many answers, how many failed, and the 95th percentile of their milliseconds; connections that stay open
# are no answers.
summed() {
  sort -k 2 -n "$TEMPORARY/$1" | awk '$1 != 101 { took[++all] = $2 } $1 >= 500 { failed++ }
    END { print all + 0, failed + 0, all ? took[int(all * 0.95 + 0.999)] : 0 }'
}

# is_failing: more failed answers than are allowed, and than there were.
is_failing() {
  # shellcheck disable=SC2046
  set -- $(summed after) $(summed before)
  [ "$1" -ge "$BAKE_ANSWERS" ] && [ "$2" -ge "$BAKE_FAILED" ] || return 1
  awk -v all="$1" -v failed="$2" -v all_before="$4" -v before="$5" -v percent="$bake_percent" \
    'BEGIN { was = all_before ? before * 100 / all_before : 0; exit !(failed * 100 / all > (was > percent ? was : percent)) }' || return 1
  printf '%s through the proxy, %s before; more than policies/bake_error_percent, %s %%\n' "$(told failed after)" "$(told failed before)" "$bake_percent"
}

# is_slow: in the second half of the time it answered much more slowly than the one before.
is_slow() {
  requests_since | answers_of "$baked" $((bake_begun / 1000 + bake_seconds / 2)) >"$TEMPORARY/late"
  # shellcheck disable=SC2046
  set -- $(summed late) $(summed before)
  [ "$1" -ge "$BAKE_SPEEDS" ] && [ "$4" -ge "$BAKE_SPEEDS" ] || return 1
  awk -v late="$3" -v before="$6" -v slowdown="$bake_slowdown" 'BEGIN { exit !(late > before * slowdown && late - before >= 50) }' || return 1
  printf '%s through the proxy, before: %s ms; more than policies/bake_slowdown, %s times\n' "$(told took late)" "$6" "$bake_slowdown"
}
