# Files, source and image of a release.

# receive: a tar on standard input with release/, stack/, passwords/ and source/ becomes the release's folder and the source.
# While the source is being changed, source.tree is away: a copy that was cut off is never taken for a whole one.
receive() {
  incoming=$BASE/incoming-$RELEASE
  rm -rf "$incoming" && mkdir -p "$incoming" "$BASE/releases" || return 1
  tar -x -p -f - -C "$incoming" || return 1
  if [ -f "$incoming/source.tree" ]; then receive_source || return 1; fi
  rm -rf "$BASE/stack.next" "$BASE/passwords.next"
  if [ -d "$incoming/stack" ]; then place "$incoming/stack" "$BASE/stack.next" || return 1; fi
  if [ -d "$incoming/passwords" ]; then place "$incoming/passwords" "$BASE/passwords.next" || return 1; fi
  if [ -d "$incoming/release" ]; then
    rm -rf "$BASE/releases/$RELEASE" && place "$incoming/release" "$BASE/releases/$RELEASE" || return 1
  fi
  rm -rf "$incoming"
}

receive_source() {
  rm -f "$BASE/source.tree" && sync "$BASE" || return 1
  if [ -f "$incoming/source.full" ]; then rm -rf "$BASE/source"; fi
  mkdir -p "$BASE/source" "$incoming/source" || return 1
  while IFS= read -r removed; do rm -f "$BASE/source/$removed" || return 1; done <"$incoming/source.removed"
  find "$BASE/source" -mindepth 1 -type d -empty -delete
  cp -a "$incoming/source/." "$BASE/source/" && source_on_disk && place "$incoming/source.tree" "$BASE/source.tree"
}

# source_on_disk: what came, file by file; for a whole source that would take longer than the disk at once, and what was
# removed has no file.
source_on_disk() {
  if [ -f "$incoming/source.full" ] || [ -s "$incoming/source.removed" ]; then sync --file-system "$BASE/source"; return; fi
  (cd "$incoming/source" && find . ! -type l -print0) | (cd "$BASE/source" && xargs -0 sync)
}

# drop_release: what was sent is gone; what a migration printed stays, for the record of the failed release.
drop_release() {
  rm -rf "$BASE/incoming-$RELEASE" "$BASE/stack.next" "$BASE/passwords.next"
  [ -d "$BASE/releases/$RELEASE" ] || return 0
  find "$BASE/releases/$RELEASE" ! -type d ! -name migrations.log -delete && find "$BASE/releases/$RELEASE" -type d -empty -delete
}

# build SECONDS IMAGE DOCKERFILE: the image of this release, from the source on the host, with its cache.
build() {
  timeout "$1" docker build --tag "$2" --file "$3" --label "autogrowth.project=$PROJECT" "$BASE/source"
}

# remove_image IMAGE: the name is gone; the image too, if it has no other.
remove_image() {
  named=$(docker image ls --quiet "$1") || return 1
  [ -z "$named" ] || docker image rm "$1"
}
