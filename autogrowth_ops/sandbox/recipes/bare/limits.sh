# Read by every service script: a container may not raise its limits, and a service must start nevertheless.
ulimit() {
  command ulimit "$@" 2>/dev/null || true
}
