# Passwords of the datastores. What is sent and kept are verifiers: nobody can log in with them. Both datastores remember
# their passwords themselves; each can be told others from inside its container.
#   passwords.next  what a deploy brought: `postgres` is SQL, `redis` the rules of the user that the application is
#   rotation        while they are being changed: `postgres` and `redis` bring back those of before, `stack-passwords` is their
#                   name; `redis.only` takes the old one of Redis away, which has two until then

# set_passwords SERVING NEW: new passwords, named NEW. Postgres forgets the old one now, Redis in the end.
set_passwords() {
  resume_passwords "$1" && begin_rotation && rm -f "$BASE/stack/passwords" || return 1
  ROTATED=yes
  if [ -f "$BASE/rotation/redis.beside" ]; then in_redis <"$BASE/rotation/redis.beside" || return 1; fi
  if [ -f "$BASE/passwords.next/postgres" ]; then in_postgres <"$BASE/passwords.next/postgres" || return 1; fi
  put "$BASE/stack/passwords" "$2" && rm -rf "$BASE/passwords.next"
}

# begin_rotation: how to go back and how to go on stands there as a whole or not at all.
begin_rotation() {
  rm -rf "$BASE/rotation.new" && mkdir -m 0700 "$BASE/rotation.new" || return 1
  if [ -f "$BASE/stack/passwords" ]; then cp "$BASE/stack/passwords" "$BASE/rotation.new/stack-passwords" || return 1; fi
  if [ -f "$BASE/passwords.next/postgres" ]; then
    printf "select format('ALTER ROLE %%I PASSWORD %%L;', rolname, rolpassword) from pg_authid where rolname = current_user" |
      in_postgres >"$BASE/rotation.new/postgres" || return 1
  fi
  if [ -f "$BASE/passwords.next/redis" ]; then
    redis_rules=$(cat "$BASE/passwords.next/redis")
    redis_users=$(printf 'ACL LIST\n' | redis_commands)
    redis_before=$(printf '%s\n' "$redis_users" | sed -n 's/^user default //p')
    [ -n "$redis_before" ] || { printf 'redis: its users cannot be read: %s\n' "$redis_users"; return 1; }
    redis_change "reset $redis_before" >"$BASE/rotation.new/redis"
    redis_change "on $redis_rules" >"$BASE/rotation.new/redis.beside"
    redis_change "on resetpass $redis_rules" >"$BASE/rotation.new/redis.only"
  fi
  place "$BASE/rotation.new" "$BASE/rotation"
}

# settle_passwords: only the new passwords are good from now on.
settle_passwords() {
  [ -d "$BASE/rotation" ] || return 0
  if [ -f "$BASE/rotation/redis.only" ]; then in_redis <"$BASE/rotation/redis.only" || return 1; fi
  rm -rf "$BASE/rotation"
}

# restore_passwords: those of before; nothing if it did not come to that.
restore_passwords() {
  ROTATED=""
  [ -d "$BASE/rotation" ] || return 0
  if [ -f "$BASE/rotation/postgres" ]; then in_postgres <"$BASE/rotation/postgres" || return 1; fi
  if [ -f "$BASE/rotation/redis" ]; then in_redis <"$BASE/rotation/redis" || return 1; fi
  rm -f "$BASE/stack/passwords"
  if [ -f "$BASE/rotation/stack-passwords" ]; then put "$BASE/stack/passwords" "$(cat "$BASE/rotation/stack-passwords")" || return 1; fi
  rm -rf "$BASE/rotation" "$BASE/passwords.next"
}

# resume_passwords SERVING: after a change that was cut off, those that the serving release has.
resume_passwords() {
  [ -d "$BASE/rotation" ] || return 0
  if [ "$(cat "$BASE/stack/passwords" 2>/dev/null)" = "$1" ]; then settle_passwords; else restore_passwords; fi
}

# in_postgres: SQL on standard input, as the owner of the cluster, over the socket inside the container.
in_postgres() {
  docker exec --interactive "$PROJECT-postgres-1" sh -c 'exec psql --no-psqlrc --quiet --tuples-only --no-align \
    --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB"'
}

# in_redis: commands on standard input that answer OK, each.
in_redis() {
  redis_said=$(redis_commands | sort -u)
  [ "$redis_said" = OK ] || { printf 'redis: %s\n' "$redis_said"; return 1; }
}

redis_commands() {
  docker exec --interactive "$PROJECT-redis-1" sh -c \
    'REDISCLI_AUTH=$(cat /data/autogrowth.key) && export REDISCLI_AUTH && exec redis-cli --user autogrowth' 2>&1
}

redis_change() { printf 'ACL SETUSER default %s\nACL SAVE\n' "$1"; }

# renew_variables ID FROM NAME...: these variables of a release become those of another one, which has the present passwords.
renew_variables() {
  renewed=$BASE/releases/$1/app.env renewed_from=$BASE/releases/$2/app.env
  shift 2
  (umask 077 && awk -v names="$*" '
    BEGIN { many = split(names, listed, " "); for (i = 1; i <= many; i++) wanted[listed[i]] = 1 }
    { name = substr($0, 1, index($0, "=") - 1) }
    NR == FNR { if (name in wanted) line[name] = $0; next }
    { print (name in line) ? line[name] : $0 }' "$renewed_from" "$renewed" >"$renewed.new") && place "$renewed.new" "$renewed"
}
