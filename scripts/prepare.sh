# Sourced by ./quickstart and ./test: a virtual environment in .venv with the project in it, made anew only when
# setup.cfg or the interpreter changed. Sets VENV.

say() { printf '%s\n' "$*"; }
stop() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else stop "this needs root or sudo: $*"; fi
}

find_python() {
  for candidate in python3 python3.13 python3.12 python3.11 python3.10 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  stop "Python 3.10 or newer is needed; install it, then run this again"
}

# Debian and Ubuntu ship Python without ensurepip.
make_venv() {
  "$PYTHON" -m venv .venv 2>/dev/null && return
  rm -rf .venv
  command -v apt-get >/dev/null || stop "$PYTHON -m venv does not work; install Python with venv, then run this again"
  say "installing python3-venv"
  as_root apt-get -qq update && as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes python3-venv >/dev/null
  "$PYTHON" -m venv .venv || stop "$PYTHON -m venv still does not work"
}

# prepare EXTRAS REQUIREMENTS-FILE: the project with these extras, and what the example's tests need.
prepare() {
  command -v git >/dev/null || stop "git is needed; install it, then run this again"
  PYTHON=$(find_python)
  VENV=$PWD/.venv
  wanted="$("$PYTHON" -V) $1 $PWD $(cat setup.cfg "$2" | cksum)"
  if [ -x "$VENV/bin/inv" ] && [ "$(cat "$VENV/prepared$1" 2>/dev/null)" = "$wanted" ]; then return; fi
  say "preparing .venv with $("$PYTHON" -V)"
  [ -x "$VENV/bin/python" ] && "$VENV/bin/python" -c '' 2>/dev/null || make_venv
  "$VENV/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --editable ".$1" --requirement "$2" ||
    stop "pip could not install the project; the lines above say why"
  printf '%s' "$wanted" >"$VENV/prepared$1"
}

# need_tools PACKAGE:FILE...: Debian packages that tests need, installed where their file is missing.
need_tools() {
  for wanted; do
    [ ! -e "${wanted#*:}" ] || continue
    command -v apt-get >/dev/null || { say "without ${wanted%%:*} its tests cannot run; install it"; continue; }
    say "installing ${wanted%%:*}"
    as_root apt-get -qq update
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq install --yes --no-install-recommends "${wanted%%:*}" >/dev/null
  done
}
