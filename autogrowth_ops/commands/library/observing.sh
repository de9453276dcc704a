# What a plan depends on; changes nothing.

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
  df -Pk "$(docker_folder)" 2>/dev/null | awk 'NR == 2 { printf "image_disk_free_kib=%s\n", $4 }'
}

# docker_folder: where Docker keeps its images.
docker_folder() {
  configured=$(sed -n 's/.*"data-root" *: *"\([^"]*\)".*/\1/p' /etc/docker/daemon.json 2>/dev/null)
  printf '%s\n' "${configured:-/var/lib/docker}"
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

list_images() { docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' "$PROJECT"; }

# show PATH...: their contents; one that is not there prints nothing.
show() {
  for path; do [ ! -f "$path" ] || cat "$path"; done
}

show_silence() { [ ! -d "$BASE/lock" ] || lock_silence; }

# leftovers: what only a deploy in progress may have; a folder of a release without its record is one.
leftovers() {
  for path in "$BASE"/incoming-* "$BASE/stack.next" "$BASE/passwords.next" "$BASE/rotation" "$BASE"/*.new "$BASE"/stack/proxy/*.new; do
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
  section retiring retiring
  section stack_hash show "$BASE/stack/hash"
  section passwords show "$BASE/stack/passwords"
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
