# One lock an environment, with a heartbeat.

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
    # None of it has to outlive a loss of power, and waiting for the disk would be silence.
    mkdir "$BASE/lock" && printf '%s\n' "$LOCK" >"$BASE/lock/token" && printf '%s\n' "$1" >"$BASE/lock/owner.new" &&
      mv "$BASE/lock/owner.new" "$BASE/lock/owner.json" && : >"$BASE/lock/heartbeat"
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
