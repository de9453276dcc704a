# Which release the proxy asks.

# switch ID PORT: from one request to the next the proxy asks this release on this port; none with an empty id. The proxy
# reads both files at each request, so nothing is reloaded and no connection is lost; a request that comes between the
# two is tried again. Who gets the requests is not to stop any more, whoever ordered that: an undo may not know of it yet.
switch() {
  proxy=$BASE/stack/proxy
  [ -z "$1" ] || take_back "$1" || return 1
  proxy_file port "$2" && proxy_file release "$1" || return 1
  mv -fT "$proxy/port.new" "$proxy/port" && mv -fT "$proxy/release.new" "$proxy/release" && ROTATED="" && sync "$proxy"
}

# proxy_file NAME TEXT: what is to become of a file, on the disk; readable for the proxy, which has no rights over other
# users' files.
proxy_file() { printf '%s' "$2" >"$proxy/$1.new" && chmod 0644 "$proxy/$1.new" && on_disk "$proxy/$1.new"; }

# verify ID SECONDS CURL-WORDS...: the proxy answers 200 from this release, each time of three that the words ask it.
verify() {
  clock
  verified=$1 verify_deadline=$((NOW + $2 * 1000))
  shift 2
  temporary
  while :; do
    answers=$(curl --silent --max-time 5 --output "$TEMPORARY/body" --dump-header "$TEMPORARY/headers" --write-out '%{http_code} ' "$@")
    [ "$answers" != "200 200 200 " ] || [ "$(grep -ci "^x-release: $verified" "$TEMPORARY/headers")" != 3 ] || return 0
    clock
    if [ "$NOW" -ge "$verify_deadline" ]; then
      printf 'through the proxy: %s%s\n' "$answers" "$(head -c 1000 "$TEMPORARY/body" 2>/dev/null)"
      return 22
    fi
    sleep 0.05
  done
}

# point_current ID: `current` names this release from one moment to the next.
point_current() {
  ln -sfn "releases/$1" "$BASE/current.new" && place "$BASE/current.new" "$BASE/current"
}

unpoint_current() { rm -f "$BASE/current"; }
