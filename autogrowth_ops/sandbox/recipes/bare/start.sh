#!/bin/sh
# The boot of a sandbox host: first start and every restart. AUTHORIZED_KEY is the public key that opens `deploy`.
set -eu

# Engine 26 sets IPv6 switches in /proc/sys and fails every container start where it cannot.
mount -o remount,rw /proc/sys 2>/dev/null || true

# With cgroup v2 a group with processes of its own cannot hand controllers to its children: move them one level down.
if [ -f /sys/fs/cgroup/cgroup.controllers ] && mkdir -p /sys/fs/cgroup/init 2>/dev/null; then
  while read -r pid; do echo "$pid" > /sys/fs/cgroup/init/cgroup.procs 2>/dev/null || true; done < /sys/fs/cgroup/cgroup.procs
  sed -e 's/ / +/g' -e 's/^/+/' /sys/fs/cgroup/cgroup.controllers > /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
fi

# A host that was killed leaves these behind.
rm -f /run/sshd.pid /run/docker.pid /run/docker-ssd.pid /run/docker.sock /run/docker/containerd/containerd.pid

[ -f /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
printf '%s\n' "$AUTHORIZED_KEY" > /home/deploy/.ssh/authorized_keys
chown deploy:deploy /home/deploy/.ssh/authorized_keys
chmod 600 /home/deploy/.ssh/authorized_keys

mkdir -p /run/sshd
/usr/sbin/sshd

shut_down() {
  if [ -x /etc/init.d/docker ]; then service docker stop || true; fi
  exit 0
}
trap shut_down TERM INT

if [ -x /etc/init.d/docker ]; then service docker start || true; fi
sleep infinity &
wait
