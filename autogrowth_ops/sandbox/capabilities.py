"""The rights that a host's own Docker Engine needs, also where `--privileged` is refused."""

from __future__ import annotations

from pathlib import Path

from autogrowth_ops.sandbox.shell import docker_succeeds

# In the order of the kernel's bits. Those after AUDIT_READ are unknown to engines before 23 and not needed here.
# fmt: off
NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
)
# fmt: on
PRIVILEGED = ("--privileged",)
UNCONFINED = (
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--device-cgroup-rule", "a *:* rwm", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"),
)


def engine_rights(image: str) -> tuple[str, ...]:
    """Options of `docker run` that let an engine run inside a container of `image`: all that this machine grants."""
    if docker_succeeds("run", "--rm", *PRIVILEGED, image, "true", timeout_seconds=60):
        return PRIVILEGED
    return without_privileged(Path("/proc/self/status").read_text(encoding="utf-8"))


def without_privileged(process_status: str) -> tuple[str, ...]:
    """The same options spelt out, with every known capability in the bounding set (`CapBnd:` line) and no other."""
    mask = next(line.split()[1] for line in process_status.splitlines() if line.startswith("CapBnd:"))
    granted = [name for bit, name in enumerate(NAMES) if int(mask, 16) >> bit & 1]
    return ("--cap-drop", "ALL", *(word for name in granted for word in ("--cap-add", name)), *UNCONFINED)
