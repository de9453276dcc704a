# What the checklist reads.

# system: averages of load, memory, disk and inodes, as name=value.
system() {
  printf 'cores=%s\n' "$(nproc)"
  awk '{ printf "load5=%s\n", $2 }' /proc/loadavg
  awk '/^MemTotal/ { total = $2 } /^MemAvailable/ { free = $2 } END { printf "memory_percent=%d\nmemory_total_kib=%d\n", (total - free) * 100 / total, total }' /proc/meminfo
  df -Pk "$BASE" | awk 'NR == 2 { printf "disk_percent=%d\ndisk_free_kib=%d\n", $5, $4 }'
  df -Pi "$BASE" | awk 'NR == 2 { printf "inode_percent=%d\n", $5 }'
  cpu_percent
}

# cpu_percent: share of the last second that the processors worked.
cpu_percent() {
  first=$(awk '/^cpu / { print $2 + $3 + $4 + $7 + $8, $5 + $6 }' /proc/stat)
  sleep 1
  second=$(awk '/^cpu / { print $2 + $3 + $4 + $7 + $8, $5 + $6 }' /proc/stat)
  printf '%s %s\n' "$first" "$second" | awk '{ busy = $3 - $1; all = busy + $4 - $2; printf "cpu_percent=%d\n", all ? busy * 100 / all : 0 }'
}

# log_state: `name bytes lines errors` for each container's log of the last day.
log_state() {
  docker ps --all --filter "label=autogrowth.project=$PROJECT" --format '{{.Names}}' | while read -r name; do
    docker logs --since 24h "$name" 2>&1 | awk -v name="$name" \
      '{ bytes += length($0) + 1 } /ERROR|CRITICAL|FATAL|PANIC|Traceback/ { errors++ } END { printf "%s %d %d %d\n", name, bytes, NR, errors }'
  done
}

# backup_state: `epoch bytes path` of each backup, oldest first.
backup_state() {
  [ ! -d "$BASE/backups" ] || find "$BASE/backups" -type f ! -name '*.partial' -printf '%T@ %s %p\n' | sort -n
}
