# What a host can do, as POSIX sh functions. Sent before every script; needs sh, coreutils, tar, curl and docker.
# A script sets BASE (folder of the environment), PROJECT, MARK (opens every frame) and, for changes, RELEASE and BY.
set -u
umask 027
export LC_ALL=C DOCKER_BUILDKIT=1 DOCKER_CLI_HINTS=false BUILDKIT_PROGRESS=plain
TEMPORARY=""

# pulse: a dot on standard error every three seconds, by which the other side knows that this one is still heard.
pulse() {
  while kill -0 $$ 2>/dev/null; do
    sleep 3 2>/dev/null
    printf . >&2
  done
}

# In a framed script errors go where all else goes. Done once: a redirection at each step would leave a copy of the old
# one open in what is detached, and the connection would wait for that.
if [ "$MARK" != @ ]; then
  (pulse) </dev/null >/dev/null &
  PULSE=$!
  exec 2>&1
fi
trap cleanup EXIT
# Nobody reads any more: whoever sent this script is gone. What it began is swept by the next one, which need not wait.
trap '[ -z "${LOCK:-}" ] || release_lock; exit 13' PIPE

cleanup() {
  [ -z "${PULSE:-}" ] || kill "$PULSE" 2>/dev/null
  [ -z "$TEMPORARY" ] || rm -rf "$TEMPORARY"
}

frame() { printf '\n%s %s\n' "$MARK" "$*"; }

temporary() { [ -n "$TEMPORARY" ] || TEMPORARY=$(mktemp -d); }

# clock: sets NOW to milliseconds since 1970. It starts no process, because steps do that often.
if [ -r /proc/uptime ]; then
  clock() {
    read -r up _ </proc/uptime
    NOW=$((CLOCK_OFFSET + ${up%.*} * 1000 + 1${up#*.} * 10 - 1000))
  }
  CLOCK_OFFSET=0
  clock
  CLOCK_OFFSET=$(($(date +%s%3N) - NOW))
else
  clock() { NOW=$(date +%s%3N); }
fi
TODAY=0

# stamp: prints NOW as a date and time in UTC.
stamp() {
  if [ $((NOW / 86400000)) != "$TODAY" ]; then TODAY=$((NOW / 86400000)) DATE=$(date -u +%Y-%m-%d); fi
  printf '%sT%02d:%02d:%02d.%03dZ' "$DATE" $((NOW / 3600000 % 24)) $((NOW / 60000 % 60)) $((NOW / 1000 % 60)) $((NOW % 1000))
}

# section NAME WORDS...: what the words print, framed; a failing section is seen by its code and stops nothing.
section() { reading "$@" </dev/null; }

# reading NAME WORDS...: a section that reads from standard input.
reading() {
  frame start "$1"
  section_name=$1
  shift
  "$@"
  frame end "$section_name" $?
}

# audit STEP OUTCOME MILLISECONDS
audit() {
  [ ! -d "$BASE" ] || {
    printf '{"at":"' && stamp
    printf '","release":"%s","step":"%s","outcome":"%s","ms":%s,"by":%s}\n' "$RELEASE" "$1" "$2" "$3" "$BY"
  } >>"$BASE/audit.jsonl"
}

# attempt NAME WORDS...: one step, framed and audited, whatever comes of it.
attempt() {
  step_name=$1
  shift
  frame start "$step_name"
  clock
  step_begun=$NOW
  audit "$step_name" started 0
  "$@"
  step_code=$?
  clock
  step_took=$((NOW - step_begun))
  frame end "$step_name" "$step_code" "$step_took"
  if [ "$step_code" = 0 ]; then audit "$step_name" done "$step_took"; else audit "$step_name" "failed:$step_code" "$step_took"; fi
}

# step NAME WORDS...: one step of a plan; a failing one ends the script.
step() {
  attempt "$@"
  [ "$step_code" = 0 ] || exit 1
  [ ! -d "$BASE/releases/$RELEASE" ] || printf '%s %s\n' "$step_name" "$step_took" >>"$BASE/releases/$RELEASE/timings"
}

# put PATH TEXT: a small file, whole or not at all.
put() {
  printf '%s\n' "$2" >"$1.new" && mv -f "$1.new" "$1"
}

# ---------------------------------------------------------------- reading

facts() {
  clock
  printf 'user=%s\nclock=%s\n' "$(id -un)" "$NOW"
  if command -v docker >/dev/null; then printf 'has_docker=1\n'; fi
  socket=${DOCKER_HOST:-unix:///var/run/docker.sock}
  socket=${socket#unix://}
  if [ ! -S "$socket" ] || [ -w "$socket" ]; then printf 'can_use_docker=1\n'; fi
  plugins
  for tool in curl tar; do
    if command -v "$tool" >/dev/null; then printf 'tool=%s\n' "$tool"; fi
  done
  near=$BASE
  while [ ! -d "$near" ]; do near=$(dirname "$near"); done
  if [ -w "$near" ]; then printf 'is_folder_writable=1\n'; fi
  df -Pk "$near" | awk 'NR == 2 { printf "disk_size_kib=%s\ndisk_free_kib=%s\n", $2, $4 }'
}

# plugins: which of Docker's plugins are there; asking Docker itself takes longer than all the rest.
plugins() {
  for folder in "$HOME/.docker/cli-plugins" /usr/local/lib/docker/cli-plugins /usr/local/libexec/docker/cli-plugins \
    /usr/lib/docker/cli-plugins /usr/libexec/docker/cli-plugins; do
    for plugin in compose buildx; do [ ! -x "$folder/docker-$plugin" ] || printf 'plugin=%s\n' "$plugin"; done
  done
}

each_release() {
  for record in "$BASE"/releases/*/release.json; do
    [ ! -f "$record" ] || { cat "$record" && printf '\n'; }
  done
}

list_containers() {
  docker ps --all --no-trunc --filter "label=autogrowth.project=$PROJECT" --format '{{json .}}'
}

list_images() { docker image ls --format '{{.Repository}}:{{.Tag}}' "$PROJECT"; }

# show PATH...: their contents; one that is not there prints nothing.
show() {
  for path; do [ ! -f "$path" ] || cat "$path"; done
}

show_silence() { [ ! -d "$BASE/lock" ] || lock_silence; }

# leftovers: what only a deploy in progress may have; a folder of a release without its record is one.
leftovers() {
  for path in "$BASE"/incoming-* "$BASE/stack.next" "$BASE"/*.new "$BASE"/stack/proxy/*.new; do
    [ ! -e "$path" ] || printf '%s\n' "${path#"$BASE/"}"
  done
  for path in "$BASE"/releases/*; do
    [ ! -d "$path" ] || [ -f "$path/release.json" ] || printf 'releases/%s\n' "${path##*/}"
  done
}

show_lock() {
  [ -d "$BASE/lock" ] || return 0
  if [ -f "$BASE/lock/owner.json" ]; then cat "$BASE/lock/owner.json"; else printf '{}\n'; fi
}

current_release() { [ ! -L "$BASE/current" ] || basename "$(readlink "$BASE/current")"; }

observe() {
  temporary
  list_containers >"$TEMPORARY/containers" 2>&1 &
  containers_listed=$!
  list_images >"$TEMPORARY/images" 2>&1 &
  images_listed=$!
  section facts facts
  section current current_release
  section releases each_release
  section lock show_lock
  section lock_silence show_silence
  section leftovers leftovers
  section stack_hash show "$BASE/stack/hash"
  section source_tree show "$BASE/source.tree"
  section proxied show "$BASE/stack/proxy/release"
  section containers finished "$containers_listed" "$TEMPORARY/containers"
  section images finished "$images_listed" "$TEMPORARY/images"
}

# finished PROCESS FILE: what a process in the background printed, with its code.
finished() {
  wait "$1"
  finished_code=$?
  cat "$2"
  return "$finished_code"
}

# ---------------------------------------------------------------- changing

# take_lock OWNER-JSON SECONDS: exit code 6 if somebody has it whose heartbeat is younger than so many seconds; an older
# one is taken over. One at a time looks and takes; the kernel frees that guard whatever becomes of us.
take_lock() {
  mkdir -p "$BASE" && chmod 0750 "$BASE" || return 1
  (
    flock -w 10 9 || exit 1
    if [ -d "$BASE/lock" ]; then
      silent=$(lock_silence)
      if [ "$silent" -le "$2" ]; then
        show_lock
        exit 6
      fi
      printf 'taken over after %s s of silence from: ' "$silent"
      show_lock
      rm -rf "$BASE/lock"
    fi
    mkdir "$BASE/lock" && printf '%s\n' "$LOCK" >"$BASE/lock/token" && : >"$BASE/lock/heartbeat" && put "$BASE/lock/owner.json" "$1"
  ) 9>"$BASE/lock.guard" || return $?
  (beat $$) </dev/null >/dev/null 2>&1 &
}

# lock_silence: seconds since the lock's last heartbeat.
lock_silence() {
  clock
  beaten=$(stat -c %Y "$BASE/lock/heartbeat" 2>/dev/null || stat -c %Y "$BASE/lock")
  printf '%s' $((NOW / 1000 - beaten))
}

has_lock() { [ "$(cat "$BASE/lock/token" 2>/dev/null)" = "$LOCK" ]; }

# beat PROCESS: the lock says that it is held, for as long as the process runs and the lock is our own.
beat() {
  while kill -0 "$1" 2>/dev/null && has_lock; do
    touch "$BASE/lock/heartbeat"
    sleep 2
  done
}

# hold_lock: until standard input ends; steps on other hosts may take long.
hold_lock() {
  (beat $$) </dev/null >/dev/null 2>&1 &
  cat >/dev/null
}

# release_lock: our own, or with an empty LOCK whatever there is.
release_lock() {
  [ -z "${LOCK:-}" ] || has_lock || return 0
  rm -rf "$BASE/lock"
}

# receive: a tar on standard input with release/, stack/ and source/ becomes the release's folder and the source.
# While the source is being changed, source.tree is away: a copy that was cut off is never taken for a whole one.
receive() {
  incoming=$BASE/incoming-$RELEASE
  rm -rf "$incoming" && mkdir -p "$incoming" "$BASE/releases" || return 1
  tar -x -p -f - -C "$incoming" || return 1
  if [ -f "$incoming/source.tree" ]; then receive_source || return 1; fi
  rm -rf "$BASE/stack.next" "$BASE/releases/$RELEASE"
  if [ -d "$incoming/stack" ]; then mv "$incoming/stack" "$BASE/stack.next" || return 1; fi
  if [ -d "$incoming/release" ]; then mv "$incoming/release" "$BASE/releases/$RELEASE" || return 1; fi
  rm -rf "$incoming"
}

receive_source() {
  rm -f "$BASE/source.tree"
  if [ -f "$incoming/source.full" ]; then rm -rf "$BASE/source"; fi
  mkdir -p "$BASE/source" "$incoming/source" || return 1
  while IFS= read -r removed; do rm -f "$BASE/source/$removed" || return 1; done <"$incoming/source.removed"
  find "$BASE/source" -mindepth 1 -type d -empty -delete
  cp -a "$incoming/source/." "$BASE/source/" && mv "$incoming/source.tree" "$BASE/source.tree"
}

# remove_image IMAGE: the name is gone; the image too, if it has no other.
remove_image() {
  if docker image inspect "$1" >/dev/null 2>&1; then docker image rm "$1"; fi
}

drop_release() { rm -rf "$BASE/releases/$RELEASE" "$BASE/incoming-$RELEASE" "$BASE/stack.next"; }

# build SECONDS IMAGE DOCKERFILE: the image of this release, from the source on the host, with its cache.
build() {
  timeout "$1" docker build --tag "$2" --file "$3" --label "autogrowth.project=$PROJECT" "$BASE/source"
}

# install_stack HASH: the stack's files in stack.next become the stack; what they were is kept for undo. Folders stay in
# place, because running containers have them mounted.
install_stack() {
  rm -rf "$BASE/stack.previous" && mkdir -p "$BASE/stack.previous" "$BASE/stack/proxy" "$BASE/stack/admin" || return 1
  chmod 0755 "$BASE/stack/proxy" && chmod 0777 "$BASE/stack/admin" || return 1
  move_files cp "$BASE/stack" "$BASE/stack.previous" && mkdir "$BASE/stack.previous/of-$RELEASE" && move_files mv "$BASE/stack.next" "$BASE/stack" || return 1
  [ -f "$BASE/stack/proxy/release" ] || switch "" 0 || return 1
  stack_up && put "$BASE/stack/hash" "$1" && rm -rf "$BASE/stack.next"
}

# move_files WORD FROM TO: every file of a folder, none of its folders.
move_files() { find "$2" -maxdepth 1 -type f -exec "$1" -f {} "$3/" \; ; }

# restore_stack: what this deploy replaced; nothing if it did not come to that.
restore_stack() {
  [ -d "$BASE/stack.previous/of-$RELEASE" ] || return 0
  if [ -f "$BASE/stack.previous/compose.yml" ]; then
    move_files mv "$BASE/stack.previous" "$BASE/stack" && stack_up && rm -rf "$BASE/stack.previous"
  else
    stack_compose down && rm -rf "$BASE/stack" "$BASE/stack.previous"
  fi
}

# stack_up: the stack runs as its files say. The proxy runs without rights over other users' files, so it gets a copy of
# its own. Its admin socket is reachable for whoever may enter BASE, and for nobody over a network.
stack_up() {
  changed=""
  if [ -f "$BASE/stack/Caddyfile" ] && ! cmp -s "$BASE/stack/Caddyfile" "$BASE/stack/proxy/Caddyfile"; then
    changed=yes
    install -m 0644 "$BASE/stack/Caddyfile" "$BASE/stack/proxy/Caddyfile.new" || return 1
    stack_compose run --rm --no-deps --no-TTY --entrypoint caddy proxy validate --config /etc/caddy/Caddyfile.new --adapter caddyfile </dev/null || return 1
    mv -f "$BASE/stack/proxy/Caddyfile.new" "$BASE/stack/proxy/Caddyfile" || return 1
  fi
  stack_compose up --detach --wait --remove-orphans --quiet-pull || return 1
  [ -z "$changed" ] || curl --silent --show-error --fail-with-body --max-time 30 --retry 10 --retry-delay 1 --retry-connrefused \
    --unix-socket "$BASE/stack/admin/socket" --header 'Content-Type: text/caddyfile' \
    --data-binary "@$BASE/stack/proxy/Caddyfile" http://127.0.0.1/load
}

stack_compose() { docker compose --project-name "$PROJECT" --file "$BASE/stack/compose.yml" "$@"; }

# release_compose ID WORDS...: docker compose on one release.
release_compose() {
  compose_release=$1
  shift
  docker compose --project-name "$PROJECT-$compose_release" --file "$BASE/releases/$compose_release/compose.yml" "$@"
}

# containers_of ID SERVICE...: ids of a release's containers, running or not; without services, of all.
containers_of() {
  listed=$1
  shift
  if [ $# = 0 ]; then
    docker ps --all --quiet --no-trunc --filter "label=autogrowth.project=$PROJECT" --filter "label=autogrowth.release=$listed"
  fi
  for service; do
    docker ps --all --quiet --no-trunc --filter "label=autogrowth.project=$PROJECT" --filter "label=autogrowth.release=$listed" \
      --filter "label=com.docker.compose.service=$service"
  done
}

# start_release ID SERVICE...: its containers are made where they are not, and run. Compose would start the replicas one
# after the other.
start_release() {
  started=$1
  shift
  release_compose "$started" create --no-build "$@" || return 1
  restart_containers "$started" "$@"
}

# restart_containers ID SERVICE...: its containers, which are all there, run.
restart_containers() {
  restarted=$1
  shift
  containers_of "$restarted" "$@" | xargs -n 1 -P 8 docker start
}

# stop_release ID SERVICE...: its containers are stopped, and kept; without services, all.
stop_release() {
  chosen=$(containers_of "$@") || return 1
  # shellcheck disable=SC2086
  [ -z "$chosen" ] || docker stop $chosen
}

# detached NAME OWNER-JSON WORDS...: done behind this script's end, under the lock, which says so and is then given back.
detached() {
  put "$BASE/lock/owner.json" "$2" || return 1
  detached_name=$1
  shift 2
  (
    beat "$(exec sh -c 'printf %s "$PPID"')" &
    attempt "$detached_name" "$@"
    release_lock
  ) </dev/null >/dev/null 2>&1 &
}

# retire ID... -- ID...: the first releases are stopped and kept; meanwhile of the second ones nothing is left, nor of what
# a deploy that was cut off had begun.
retire() {
  while [ "$1" != -- ]; do
    stop_release "$1" &
    retired="${retired:-} $!"
    shift
  done
  shift
  prune "$@" && rm -rf "$BASE"/incoming-* "$BASE/stack.next" "$BASE"/*.new "$BASE"/stack/proxy/*.new
  retire_code=$?
  for waited in ${retired:-}; do wait "$waited" || retire_code=1; done
  return "$retire_code"
}

# remove_release ID: its containers are gone.
remove_release() {
  chosen=$(containers_of "$1") || return 1
  # shellcheck disable=SC2086
  [ -z "$chosen" ] || docker rm --force --volumes $chosen
}

# migrate ID SECONDS SERVICE WORDS...
migrate() {
  migrated=$1 migrate_limit=$2 migrate_service=$3
  shift 3
  timeout "$migrate_limit" docker compose --project-name "$PROJECT-$migrated" --file "$BASE/releases/$migrated/compose.yml" \
    run --rm --no-deps --no-TTY --name "$PROJECT-$migrated-migrate" "$migrate_service" "$@" </dev/null >"$BASE/releases/$migrated/migrate.log" 2>&1
  migrate_code=$?
  cat "$BASE/releases/$migrated/migrate.log"
  if [ "$migrate_code" = 124 ]; then
    docker rm --force "$PROJECT-$migrated-migrate" >/dev/null 2>&1
    printf 'given up after %s s\n' "$migrate_limit"
  fi
  return "$migrate_code"
}

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
    [ "$answer" != 200 ] || : >"$TEMPORARY/ready-$1"
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

# switch ID PORT: from one request to the next the proxy asks this release on this port; none with an empty id. The proxy
# reads both files at each request, so nothing is reloaded and no connection is lost; a request that comes between the
# two is tried again.
switch() {
  proxy_file port "$2" && proxy_file release "$1"
}

# proxy_file NAME TEXT: whole or not at all, and readable for the proxy, which has no rights over other users' files.
proxy_file() {
  printf '%s' "$2" >"$BASE/stack/proxy/$1.new" && chmod 0644 "$BASE/stack/proxy/$1.new" || return 1
  mv -f "$BASE/stack/proxy/$1.new" "$BASE/stack/proxy/$1"
}

# verify ID SECONDS CURL-WORDS...: the proxy answers 200 from this release, three times in a row.
verify() {
  clock
  verified=$1 verify_deadline=$((NOW + $2 * 1000)) in_a_row=0
  shift 2
  temporary
  while [ "$in_a_row" -lt 3 ]; do
    answer=$(curl --silent --max-time 5 --output "$TEMPORARY/body" --dump-header "$TEMPORARY/headers" --write-out '%{http_code}' "$@")
    if [ "$answer" = 200 ] && grep -qi "^x-release: $verified" "$TEMPORARY/headers"; then
      in_a_row=$((in_a_row + 1))
      continue
    fi
    in_a_row=0
    clock
    if [ "$NOW" -ge "$verify_deadline" ]; then
      printf 'through the proxy: %s %s\n' "$answer" "$(head -c 1000 "$TEMPORARY/body")"
      return 22
    fi
    sleep 0.05
  done
}

# point_current ID: `current` names this release from one moment to the next.
point_current() {
  ln -sfn "releases/$1" "$BASE/current.new" && mv -fT "$BASE/current.new" "$BASE/current"
}

unpoint_current() { rm -f "$BASE/current"; }

# record ID JSON: the release's record, with the image's id and the timings that only the host knows.
record() {
  image_id=$(docker image inspect --format '{{.Id}}' "$PROJECT:$1" 2>/dev/null)
  timings=$(awk '{ printf "%s\"%s\": %s", (NR > 1 ? ", " : ""), $1, $2 }' "$BASE/releases/$1/timings" 2>/dev/null)
  put "$BASE/releases/$1/release.json" "$(printf '%s' "$2" | sed -e "s/@IMAGE_ID@/$image_id/" -e "s/\"@TIMINGS@\": 0/$timings/")"
}

# record_bad ID JSON: of a release that failed only the record stays.
record_bad() {
  mkdir -p "$BASE/releases/$1" && put "$BASE/releases/$1/release.json" "$2"
}

# prune ID...: record first, so that no half of it is ever a rollback target; then containers, image and folder of
# releases that are no rollback target any more. What cannot go is told, and tried again next time.
prune() {
  for pruned; do
    rm -f "$BASE/releases/$pruned/release.json"
    if remove_release "$pruned" >"$BASE/prune.new" 2>&1 && remove_image "$PROJECT:$pruned" >>"$BASE/prune.new" 2>&1; then
      rm -rf "$BASE/releases/$pruned"
    else
      printf 'warning: %s could not be removed: %s\n' "$pruned" "$(tail -n 1 "$BASE/prune.new")"
    fi
  done
}

# ---------------------------------------------------------------- health

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

# ask_replicas SERVICE:PORT:PATH...: a section for each replica of the serving release.
ask_replicas() {
  serving=$(show "$BASE/stack/proxy/release")
  [ -n "$serving" ] || serving=$(current_release)
  temporary
  for wanted; do
    docker ps --all --quiet --no-trunc --filter "label=autogrowth.project=$PROJECT" --filter "label=autogrowth.release=$serving" \
      --filter "label=com.docker.compose.service=${wanted%%:*}" >"$TEMPORARY/replicas"
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
    ask "http://$5:${6%%:*}${6#*:}"
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

# ---------------------------------------------------------------- looking

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

# ---------------------------------------------------------------- checklist

# system: averages of load, memory, disk and inodes, as name=value.
system() {
  printf 'cores=%s\n' "$(nproc)"
  awk '{ printf "load5=%s\n", $2 }' /proc/loadavg
  awk '/^MemTotal/ { total = $2 } /^MemAvailable/ { free = $2 } END { printf "memory_percent=%d\nmemory_total_kib=%d\n", (total - free) * 100 / total, total }' /proc/meminfo
  df -Pk "$BASE" | awk 'NR == 2 { printf "disk_percent=%d\ndisk_free_kib=%d\n", $5, $4 }'
  df -Pi "$BASE" | awk 'NR == 2 { printf "inode_percent=%d\n", $5 }'
  cpu_percent
}

# cpu_percent: share of the last second that the processors worked.
cpu_percent() {
  first=$(awk '/^cpu / { print $2 + $3 + $4 + $7 + $8, $5 + $6 }' /proc/stat)
  sleep 1
  second=$(awk '/^cpu / { print $2 + $3 + $4 + $7 + $8, $5 + $6 }' /proc/stat)
  printf '%s %s\n' "$first" "$second" | awk '{ busy = $3 - $1; all = busy + $4 - $2; printf "cpu_percent=%d\n", all ? busy * 100 / all : 0 }'
}

# log_state: `name bytes lines errors` for each container's log of the last day.
log_state() {
  docker ps --all --filter "label=autogrowth.project=$PROJECT" --format '{{.Names}}' | while read -r name; do
    docker logs --since 24h "$name" 2>&1 | awk -v name="$name" \
      '{ bytes += length($0) + 1 } /ERROR|CRITICAL|FATAL|PANIC|Traceback/ { errors++ } END { printf "%s %d %d %d\n", name, bytes, NR, errors }'
  done
}

# backup_state: `epoch bytes path` of each backup, oldest first.
backup_state() {
  [ ! -d "$BASE/backups" ] || find "$BASE/backups" -type f ! -name '*.partial' -printf '%T@ %s %p\n' | sort -n
}
