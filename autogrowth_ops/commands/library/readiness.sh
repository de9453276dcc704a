# Whether a release answers, and why not.

LOOK='{{.Name}} {{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{.RestartCount}} {{.State.ExitCode}} {{.State.OOMKilled}}{{range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}'

# wait_ready ID SERVICE:SECONDS:PORT:PATH...: each replica of each service runs and answers 200 on its path (no path: runs
# for a second). Code 21: one ended, 22: time is up, with the evidence of each replica that is not ready. Docker is asked
# three times a second only: that costs more than asking the application.
wait_ready() {
  clock
  awaited=$1 wait_begun=$NOW wait_looked=0
  shift
  temporary
  rm -f "$TEMPORARY"/ready-* "$TEMPORARY"/restarts-*
  ids=$(containers_of "$awaited") || return 1
  [ -n "$ids" ] || { printf 'no container was started\n'; return 21; }
  while :; do
    clock
    if [ $((NOW - wait_looked)) -ge 300 ]; then
      # shellcheck disable=SC2086
      docker inspect --format "$LOOK" $ids >"$TEMPORARY/look" || return 21
      clock
      wait_looked=$NOW
    fi
    look_all "$@" && return 0
    # shellcheck disable=SC2086
    if [ -n "$ended" ]; then evidence $ended; return 21; fi
    # shellcheck disable=SC2086
    if [ -n "$overdue" ]; then evidence $overdue; return 22; fi
    sleep 0.03
  done
}

# wait_listening ID SERVICE:SECONDS:PORT:PATH...: as wait_ready, but any answer will do, and so will none in the end.
wait_listening() {
  LISTENING=yes
  wait_ready "$@" >/dev/null
  LISTENING=""
}

# restart_ended ID SERVICE...: those of its containers that ended since they were started, whatever became of them then.
restart_ended() {
  # shellcheck disable=SC2046
  docker inspect --format '{{.Id}} {{.State.Status}} {{.RestartCount}}' $(containers_of "$@") | while read -r id state; do
    [ "$state" = "running 0" ] || docker restart --time 0 "$id" || return 1
  done
}

# look_all SERVICE:SECONDS:PORT:PATH...: whether all are ready, asked at the same time; sets `ended` and `overdue` to
# container names.
look_all() {
  ended="" overdue="" unready="" asking=""
  while read -r name service status restarts code oom ip _; do
    name=${name#/}
    for wanted; do
      [ "${wanted%%:*}" = "$service" ] || continue
      [ -f "$TEMPORARY/restarts-$name" ] || printf '%s\n' "$restarts" >"$TEMPORARY/restarts-$name"
      read -r before <"$TEMPORARY/restarts-$name"
      if [ "$status" != running ] || [ "$restarts" != "$before" ]; then
        printf '%s ended with exit code %s%s\n' "$service-${name##*-}" "$code" "$([ "$oom" = false ] || printf ', out of memory')"
        ended="$ended $name" && continue
      fi
      if [ ! -f "$TEMPORARY/ready-$name" ]; then
        look_one "$name" "$ip" "${wanted#*:*:}" &
        asking="$asking $!"
        unready="$unready $name:${wanted#*:}"
      fi
    done
  done <"$TEMPORARY/look"
  for process in $asking; do wait "$process"; done
  clock
  unready_left=""
  for one in $unready; do
    name=${one%%:*} limit=${one#*:}
    [ ! -f "$TEMPORARY/ready-$name" ] || continue
    unready_left=yes
    [ $((NOW - wait_begun)) -lt $((${limit%%:*} * 1000)) ] || overdue="$overdue $name"
  done
  [ -z "$ended$unready_left" ]
}

# look_one NAME IP PORT:PATH: leaves a mark when it is ready.
look_one() {
  if [ "$3" = : ]; then
    clock
    [ $((NOW - wait_begun)) -lt 1000 ] || : >"$TEMPORARY/ready-$1"
  else
    answer=$(curl --silent --max-time 2 --output "$TEMPORARY/answer-$1" --write-out '%{http_code}' "http://$2:${3%%:*}${3#*:}")
    printf '%s\n' "$answer" >"$TEMPORARY/code-$1"
    case $answer${LISTENING:+ } in 200 | [1-5]??' ') : >"$TEMPORARY/ready-$1" ;; esac
  fi
}

# evidence NAME...: of each container, as service and number: its last health answer and last 50 log lines, without what
# a kept one said before it was started again. One that Docker restarted has said why before its newest start.
evidence() {
  for name; do
    frame evidence "$(awk -v name="/$name" '$1 == name { print $2 }' "$TEMPORARY/look")-${name##*-}"
    if [ -s "$TEMPORARY/code-$name" ] && [ "$(cat "$TEMPORARY/code-$name")" != 000 ]; then
      printf 'last health answer: %s %s\n' "$(cat "$TEMPORARY/code-$name")" "$(head -c 1000 "$TEMPORARY/answer-$name")"
    else
      printf 'last health answer: none\n'
    fi
    begun=$(docker inspect --format '{{if not .RestartCount}}{{.State.StartedAt}}{{end}}' "$name")
    docker logs --tail 50 ${begun:+--since "$(($(date -d "$begun" +%s) - 1))"} "$name" 2>&1
  done
}
