# Containers of a release.

# release_compose ID WORDS...: docker compose on one release.
release_compose() {
  compose_release=$1
  shift
  docker compose --project-name "$PROJECT-$compose_release" --file "$BASE/releases/$compose_release/compose.yml" "$@"
}

# containers_of ID SERVICE...: ids of a release's containers, running or not; without services, of all, a migration's too.
containers_of() {
  listed=$1
  shift
  if [ $# = 0 ]; then
    docker ps --all --quiet --no-trunc --filter "label=autogrowth.project=$PROJECT" --filter "label=autogrowth.release=$listed"
    return
  fi
  for service; do
    docker ps --all --quiet --no-trunc --filter "label=autogrowth.project=$PROJECT" --filter "label=autogrowth.release=$listed" \
      --filter "label=com.docker.compose.service=$service" --filter label=com.docker.compose.oneoff=False || return 1
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
  all_stopped "$1" || return 1
  restart_warm "$@"
}

# restart_warm ID SERVICE...: the same for services that answer requests; nothing else of the release is waited for.
restart_warm() {
  restarted=$1
  shift
  take_back "$restarted" || return 1
  containers_of "$restarted" "$@" | xargs -n 1 -P 8 docker start
}

# stop_release ID SERVICE...: its containers are stopped, and kept; without services, all.
stop_release() {
  chosen=$(containers_of "$@") || return 1
  # shellcheck disable=SC2086
  stop_containers $chosen
}

stop_containers() { [ $# = 0 ] || docker stop "$@"; }

# remove_release ID: its containers are gone; a migration is asked to end before.
remove_release() {
  end_migration "$1" || return 1
  chosen=$(containers_of "$1") || return 1
  # shellcheck disable=SC2086
  [ -z "$chosen" ] || docker rm --force --volumes $chosen
}
