# What lives longer than a release: proxy and datastores.

# install_stack HASH: the stack's files in stack.next become the stack; what they were is kept for undo. Folders stay in
# place, because running containers have them mounted.
install_stack() {
  rm -rf "$BASE/stack.previous" && mkdir -p "$BASE/stack.previous" "$BASE/stack/proxy" "$BASE/stack/admin" || return 1
  chmod 0755 "$BASE/stack/proxy" && chmod 0777 "$BASE/stack/admin" || return 1
  move_files cp "$BASE/stack" "$BASE/stack.previous" && on_disk "$BASE/stack.previous" && mkdir "$BASE/stack.previous/of-$RELEASE" && move_files mv "$BASE/stack.next" "$BASE/stack" || return 1
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
    place "$BASE/stack/proxy/Caddyfile.new" "$BASE/stack/proxy/Caddyfile" || return 1
  fi
  stack_compose up --detach --wait --quiet-pull || return 1
  [ -z "$changed" ] || curl --silent --show-error --fail-with-body --max-time 30 --retry 10 --retry-delay 1 --retry-connrefused \
    --unix-socket "$BASE/stack/admin/socket" --header 'Content-Type: text/caddyfile' \
    --data-binary "@$BASE/stack/proxy/Caddyfile" http://127.0.0.1/load
}

# remove_from_stack SERVICE...: their containers are gone; their volumes stay. Without a proxy nothing is asked any more.
remove_from_stack() {
  for service; do
    removed=$(docker ps --all --quiet --filter "label=autogrowth.project=$PROJECT" --filter "label=autogrowth.stack=$service") || return 1
    # shellcheck disable=SC2086
    [ -z "$removed" ] || docker rm --force $removed || return 1
    [ "$service" != proxy ] || rm -f "$BASE/stack/proxy/release"
  done
}

stack_compose() { docker compose --project-name "$PROJECT" --file "$BASE/stack/compose.yml" "$@"; }
