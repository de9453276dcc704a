# Changes to the database's schema.

# migrate ID SECONDS RUN-WORDS...: the words run once in a container of that release. Its name is one for the whole environment,
# so that Docker itself refuses a second one, whoever has the lock.
migrate() {
  migrated=$1 migrate_limit=$2
  shift 2
  clock
  migrate_deadline=$((NOW + migrate_limit * 1000))
  temporary
  until release_compose "$migrated" run --detach --no-deps --no-TTY --interactive=false --name "$PROJECT-migrate" "$@" \
    </dev/null >"$TEMPORARY/begun" 2>&1; do
    await_migration || return 1
  done
  migrate_said=$(timeout --foreground "$migrate_limit" docker wait "$PROJECT-migrate" 2>&1)
  case $? in
    0) migrate_code=$migrate_said migrate_said="" ;;
    124) migrate_code=124 migrate_said="given up after $migrate_limit s" ;;
    *) migrate_code=1 ;;
  esac
  end_migration "$migrated" || return 1
  [ -z "$migrate_said" ] || printf '%s\n' "$migrate_said"
  return "$migrate_code"
}

# await_migration: the migration that is there already has ended, and is gone. Fails if it does not end in time, and if there
# is none, or only our own that could not start: then the words cannot be run.
await_migration() {
  there=$(docker inspect --format '{{index .Config.Labels "autogrowth.release"}} {{.State.Status}}' "$PROJECT-migrate" 2>/dev/null)
  case $there in
    "" | "$migrated created")
      cat "$TEMPORARY/begun"
      docker inspect --format '{{.State.Error}}' "$PROJECT-migrate" 2>/dev/null
      end_migration "$migrated"
      return 1
      ;;
    *" running") printf 'warning: waited for the migration that %s began\n' "${there% *}" ;;
  esac
  clock
  [ "$NOW" -lt "$migrate_deadline" ] && timeout --foreground "$(((migrate_deadline - NOW) / 1000 + 1))" docker wait "$PROJECT-migrate" >/dev/null 2>&1
  clock
  if [ "$NOW" -ge "$migrate_deadline" ]; then
    printf 'the migration that %s began did not end within %s s\n' "${there% *}" "$migrate_limit"
    return 1
  fi
  end_migration "${there% *}" >/dev/null 2>&1 || return 0
}

# end_migration ID: a migration of that release has ended, what it printed is told and kept, and its container is gone.
end_migration() {
  ended_migration=$(docker ps --all --quiet --filter "name=^$PROJECT-migrate\$" --filter "label=autogrowth.release=$1") || return 1
  [ -n "$ended_migration" ] || return 0
  docker stop --time 10 "$ended_migration" >/dev/null
  docker logs --tail 1000 "$ended_migration" 2>&1 | tail -c 65536 | (umask 077 && tee -a "$BASE/releases/$1/migrations.log")
  docker rm --volumes "$ended_migration" >/dev/null
}

# migrate_version ID SECONDS SERVICE WORDS...: what the words print in a container of that release, which runs, is how far its
# migrations go.
migrate_version() {
  asked=$(containers_of "$1" "$3" | head -n 1)
  version_file=$BASE/releases/$1/migrate.version version_limit=$2
  shift 3
  [ -n "$asked" ] || { printf 'no container of that service\n'; return 1; }
  version=$(timeout --foreground "$version_limit" docker exec "$asked" "$@") && [ -n "$version" ] && put "$version_file" "$version"
}

# migrate_down TARGET ID SECONDS RUN-WORDS...: as `migrate`, with how far the migrations of the target go in a variable.
migrate_down() {
  MIGRATE_TO_VERSION=$(show "$BASE/releases/$1/migrate.version")
  export MIGRATE_TO_VERSION
  shift
  migrate "$@"
}

# migrations_of ID: the end of what its migrations printed.
migrations_of() { [ ! -f "$BASE/releases/$1/migrations.log" ] || tail -c 16000 "$BASE/releases/$1/migrations.log"; }
