# The record of a release, and the end of old ones.

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
# releases that are no rollback target any more, and what a deploy that was cut off had begun. What cannot go is told, and
# tried again next time.
prune() {
  for pruned; do
    rm -f "$BASE/releases/$pruned/release.json"
    if remove_release "$pruned" >"$BASE/prune.new" 2>&1 && remove_image "$PROJECT:$pruned" >>"$BASE/prune.new" 2>&1; then
      rm -rf "$BASE/releases/$pruned"
    else
      printf 'warning: %s could not be removed: %s\n' "$pruned" "$(tail -n 1 "$BASE/prune.new")"
    fi
  done
  rm -rf "$BASE"/incoming-* "$BASE/stack.next" "$BASE/passwords.next" "$BASE"/*.new "$BASE"/stack/proxy/*.new
}
