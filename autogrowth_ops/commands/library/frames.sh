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
# Nobody reads any more: whoever sent this script is gone. What it began is swept by the next one, which need not wait; but
# what serves keeps the passwords it has.
trap '[ -z "${ROTATED:-}" ] || restore_passwords >/dev/null 2>&1; [ -z "${LOCK:-}" ] || release_lock; exit 13' PIPE

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

# audit STEP OUTCOME MILLISECONDS: a line of the log of steps, as one write: what goes on behind a script writes there too.
audit() { [ ! -d "$BASE" ] || audit_line "$@" >>"$BASE/audit.jsonl"; }

# audit_line STEP OUTCOME MILLISECONDS: at the time NOW.
audit_line() {
  if [ $((NOW / 86400000)) != "$TODAY" ]; then TODAY=$((NOW / 86400000)) DATE=$(date -u +%Y-%m-%d); fi
  printf '{"at":"%sT%02d:%02d:%02d.%03dZ","release":"%s","step":"%s","outcome":"%s","ms":%s,"by":%s}\n' "$DATE" \
    $((NOW / 3600000 % 24)) $((NOW / 60000 % 60)) $((NOW / 1000 % 60)) $((NOW % 1000)) "$RELEASE" "$1" "$2" "$3" "$BY"
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
  if [ "$step_code" = 0 ]; then audit "$step_name" done "$step_took"; else audit "$step_name" "failed:$step_code" "$step_took"; fi
  frame end "$step_name" "$step_code" "$step_took"
}

# step NAME WORDS...: one step of a plan; a failing one ends the script.
step() {
  attempt "$@"
  [ "$step_code" = 0 ] || exit 1
  [ ! -d "$BASE/releases/$RELEASE" ] || printf '%s %s\n' "$step_name" "$step_took" >>"$BASE/releases/$RELEASE/timings"
}

# put PATH TEXT: a small file, whole or not at all.
put() { printf '%s\n' "$2" >"$1.new" && place "$1.new" "$1"; }

# place NEW PATH: NEW becomes PATH from one moment to the next, and has done so when this ends, also for a host that loses
# its power: what is new is on the disk before its name is.
place() { on_disk "$1" && mv -fT "$1" "$2" && sync "${2%/*}"; }

# on_disk PATH: a file, or a folder with all that is in it, is written to the disk.
on_disk() { find "$1" ! -type l -exec sync {} +; }
