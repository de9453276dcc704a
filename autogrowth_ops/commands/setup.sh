# What makes a bare Debian or Ubuntu server ready, as POSIX sh functions. Sent behind the library by `inv setup` only.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
if [ "$(id -u)" = 0 ]; then ROOT_BY=itself; elif sudo -n true 2>/dev/null; then ROOT_BY=sudo; else ROOT_BY=nothing; fi

# as_root WORDS...: as root where that is possible, else as who we are. No shell function, sudo knows none.
as_root() {
  if [ "$ROOT_BY" = sudo ]; then set -- sudo -n "$@"; fi
  "$@"
}

# The log of steps lies in a folder that belongs to somebody else when another user prepares the host.
audit() { ! as_root test -f "$BASE/audit.jsonl" || audit_line "$@" | as_root tee -a "$BASE/audit.jsonl" >/dev/null; }

# write_file PATH MODE TEXT: a file of root's, whole or not at all.
write_file() {
  as_root test -d "$(dirname "$1")" || as_root install -d -m 0755 "$(dirname "$1")" || return 1
  printf '%s\n' "$3" | as_root tee "$1.new" >/dev/null &&
    as_root chmod "$2" "$1.new" && as_root sync "$1.new" && as_root mv -f "$1.new" "$1" && as_root sync "$(dirname "$1")"
}

# ---------------------------------------------------------------- reading

# machine USER: facts as name=value; what is not there is not printed.
machine() {
  printf 'login=%s\nroot_by=%s\n' "$(id -un)" "$ROOT_BY"
  (. /etc/os-release 2>/dev/null && printf 'system=%s\nfamily=%s %s\n' "${PRETTY_NAME:-$ID}" "${ID:-}" "${ID_LIKE:-}")
  ! command -v apt-get >/dev/null || printf 'has_apt=1\n'
  machine_tools
  machine_user "$1"
  ! starts_at_boot || printf 'starts_at_boot=1\n'
  # With --format it ends well also where no daemon answers.
  ! swarm=$(as_root docker info 2>/dev/null) || printf 'docker_answers=1\nswarm=%s\n' "$(printf '%s' "$swarm" | sed -n 's/^ *Swarm: //p')"
  if as_root test -d "$BASE"; then printf 'folder=%s\n' "$(as_root stat -c '%U %a' "$BASE")"; fi
}

# unsettled PACKAGE...: one of them was being installed when the host went down, or is at the moment. Its files are there,
# which is no proof that it works.
unsettled() {
  dpkg-query --show --showformat '${db:Status-Abbrev}\n' "$@" 2>/dev/null | grep -qv '^.[nci]'
}

machine_tools() {
  unsettled 'docker*' containerd containerd.io runc iptables || machine_docker
  for tool in curl tar restic logrotate; do
    ! command -v "$tool" >/dev/null || unsettled "$tool" || printf 'tool=%s\n' "$tool"
  done
  [ ! -s /etc/ssl/certs/ca-certificates.crt ] || unsettled ca-certificates || printf 'tool=certificates\n'
}

machine_docker() {
  ! command -v dockerd >/dev/null || ! command -v docker >/dev/null || printf 'tool=engine\n'
  case $(docker compose version --short 2>/dev/null) in [2-9]* | v[2-9]*) printf 'tool=compose\n' ;; esac
  ! docker buildx version >/dev/null 2>&1 || printf 'tool=buildx\n'
}

machine_user() {
  id "$1" >/dev/null 2>&1 || return 0
  printf 'user=%s\ngroup=%s\n' "$1" "$(id -gn "$1")"
  case " $(id -nG "$1") " in *" docker "*) printf 'in_docker_group=1\n' ;; esac
  [ "$(id -u)" != "$(id -u "$1")" ] && ! keys_are_known "$1" || printf 'has_keys=1\n'
}

home_of() { getent passwd "$1" | cut -d: -f6; }

# keys_are_known USER: whether every key that opens our own account opens that one too.
keys_are_known() {
  temporary
  as_root cat "$(home_of "$1")/.ssh/authorized_keys" >"$TEMPORARY/theirs" 2>/dev/null || return 1
  ! grep -v '^ *#' "$HOME/.ssh/authorized_keys" 2>/dev/null | grep -vxFf "$TEMPORARY/theirs" | grep -q .
}

starts_at_boot() {
  if [ -d /run/systemd/system ]; then
    systemctl is-enabled --quiet docker 2>/dev/null
  else
    set -- /etc/rc2.d/S*docker
    [ -e "$1" ]
  fi
}

# show_root PATH: its content; one that is not there prints nothing.
show_root() { ! as_root test -f "$1" || as_root cat "$1"; }

# ---------------------------------------------------------------- changing

# make_user USER: it exists, without a password, and is opened by the keys that opened ours.
make_user() {
  if ! id "$1" >/dev/null 2>&1; then
    if getent group "$1" >/dev/null; then group=$1; else group=""; fi
    as_root useradd --create-home --shell /bin/bash --password '*' ${group:+--gid "$group"} "$1" || return 1
  fi
  keys=$(home_of "$1")/.ssh
  as_root install -d -o "$1" -g "$(id -gn "$1")" -m 0700 "$keys" || return 1
  merged=$({ show_root "$keys/authorized_keys"; show "$HOME/.ssh/authorized_keys"; } | awk 'NF && !seen[$0]++')
  write_file "$keys/authorized_keys" 0600 "$merged" && as_root chown "$1:$(id -gn "$1")" "$keys/authorized_keys"
}

# make_folder USER: BASE is its own, with all that is in it, and closed to others.
make_folder() {
  owner=$1:$(id -gn "$1")
  parent=$(dirname "$BASE")
  [ -d "$parent" ] || as_root install -d -m 0755 "$parent" || return 1
  if as_root test -d "$BASE" && [ "$(as_root stat -c '%U' "$BASE")" != "$1" ]; then as_root chown -R "$owner" "$BASE" || return 1; fi
  as_root install -d -o "$1" -g "${owner#*:}" -m 0750 "$BASE" || return 1
  as_root test -f "$BASE/audit.jsonl" || as_root install -o "$1" -g "${owner#*:}" -m 0640 /dev/null "$BASE/audit.jsonl"
}

DAEMON=/etc/docker/daemon.json

# configure_docker SEEN NEW: daemon.json, if it still is what was seen. Docker reads it when it starts: it is restarted
# only where that disturbs no container.
configure_docker() {
  [ "$(show_root "$DAEMON")" = "$1" ] || { printf '%s was changed in the meantime; try again\n' "$DAEMON"; return 1; }
  [ -z "$1" ] || as_root cp -p "$DAEMON" "$DAEMON.before-setup" || return 1
  write_file "$DAEMON" 0644 "$2" || return 1
  as_root docker info >/dev/null 2>&1 || return 0
  running=$(as_root docker ps --quiet | wc -l)
  if [ "$running" = 0 ]; then
    restart_docker
  else
    printf 'takes effect when Docker is restarted; not done while containers run (%s)\n' "$running"
  fi
}

restart_docker() {
  if [ -d /run/systemd/system ]; then as_root systemctl restart docker; else as_root service docker restart; fi && await_docker
}

# candidate PACKAGE: the version apt would install; nothing if it knows none.
candidate() { apt-cache policy "$1" 2>/dev/null | awk '$1 == "Candidate:" && $2 != "(none)" { print $2 }'; }

# known PACKAGE...: the first one that apt can install.
known() {
  for package; do
    if [ -n "$(candidate "$package")" ]; then printf '%s\n' "$package" && return; fi
  done
}

# package_for NAME: what apt calls it here; nothing if there is none. FROM says whose Docker is meant.
package_for() {
  case $FROM:$1 in
  distribution:engine) [ -z "$(known docker.io)" ] || printf 'docker.io iptables %s\n' "$(known docker-cli)" ;;
  distribution:compose) compose_package ;;
  distribution:buildx) known docker-buildx ;;
  docker:engine) [ -z "$(known docker-ce)" ] || printf 'docker-ce docker-ce-cli containerd.io\n' ;;
  docker:compose) known docker-compose-plugin ;;
  docker:buildx) known docker-buildx-plugin ;;
  *:certificates) known ca-certificates ;;
  *) known "$1" ;;
  esac
}

# compose_package: `docker-compose` is Compose 1 in older distributions, which is no use.
compose_package() {
  case $(candidate docker-compose-v2):$(candidate docker-compose) in
  ?*:*) printf 'docker-compose-v2\n' ;;
  :0.* | :1.* | :) ;;
  *) printf 'docker-compose\n' ;;
  esac
}

# choose_source NAME...: the distribution's packages, unless Docker's own are installed or only they have everything.
choose_source() {
  FROM=distribution
  case $(dpkg-query -W -f '${db:Status-Status}' docker-ce 2>/dev/null) in "" | not-installed | config-files) ;; *) FROM=docker ;; esac
  [ "$FROM" = docker ] || [ -z "$(lacking "$@")" ] && return
  FROM=docker
  [ -z "$(lacking "$@")" ] || FROM=distribution
}

# lacking NAME...: those without a package.
lacking() {
  for name; do [ -n "$(package_for "$name")" ] || printf '%s\n' "$name"; done
}

NO_SOURCES=31 NO_PACKAGE=32

# update_sources: what apt said is in $TEMPORARY/update. A server that was just made is often busy updating itself.
update_sources() {
  temporary
  clock
  update_deadline=$((NOW + 120000))
  until as_root apt-get update -q -o Acquire::Retries=1 -o Acquire::http::Timeout=20 >"$TEMPORARY/update" 2>&1; do
    clock
    grep -q 'Could not get lock' "$TEMPORARY/update" && [ "$NOW" -lt "$update_deadline" ] || break
    sleep 2
  done
}

# settle_packages: apt refuses a host that went down in the middle of an installation until this is done. Where it cannot be
# done apt says so.
settle_packages() {
  clock
  settle_deadline=$((NOW + 300000))
  until as_root env DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure --pending </dev/null >"$TEMPORARY/settled" 2>&1; do
    clock
    grep -q 'lock' "$TEMPORARY/settled" && [ "$NOW" -lt "$settle_deadline" ] || break
    sleep 2
  done
}

# install_packages NAME...: from the package sources the host has.
install_packages() {
  update_sources
  settle_packages
  choose_source "$@"
  lacking "$@" >"$TEMPORARY/lacking"
  if [ -s "$TEMPORARY/lacking" ] && grep -E '^[EW]: ' "$TEMPORARY/update"; then return $NO_SOURCES; fi
  if [ -s "$TEMPORARY/lacking" ]; then cat "$TEMPORARY/lacking" && return $NO_PACKAGE; fi
  chosen=$(for name; do package_for "$name"; done)
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get install -q --yes --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold $chosen </dev/null
}

# start_docker: it runs, and will after a boot.
start_docker() {
  if [ -d /run/systemd/system ]; then
    as_root systemctl enable --now docker || return 1
  else
    as_root update-rc.d docker defaults >/dev/null || return 1
    as_root docker info >/dev/null 2>&1 || as_root service docker start || return 1
  fi
  await_docker
}

await_docker() {
  clock
  docker_deadline=$((NOW + 30000))
  until as_root docker info >/dev/null 2>&1; do
    clock
    if [ "$NOW" -ge "$docker_deadline" ]; then
      if [ -d /run/systemd/system ]; then as_root journalctl --unit docker --lines 20 --no-pager; else as_root tail -n 20 /var/log/docker.log; fi
      printf 'Docker does not answer 30 s after its start\n'
      return 1
    fi
    sleep 0.2
  done
}

allow_docker() { as_root usermod --append --groups docker "$1"; }
