"""A Docker Engine on this machine: use the one that answers, start a sleeping one, install one on Debian and Ubuntu."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from autogrowth_ops.clock import SystemClock, wait_until
from autogrowth_ops.folders import cache_folder
from autogrowth_ops.sandbox import SandboxError
from autogrowth_ops.sandbox.shell import Report, attempt, only_one, run

PACKAGES = ("docker.io", "iptables")
START_SECONDS = 60.0
INSTALL_YOURSELF = "install Docker (https://docs.docker.com/engine/install) and start it, then try again"


def ensure_engine(report: Report) -> None:
    """Return when a Docker Engine answers: the running one, a started one, or one installed from the distribution.

    Raise SandboxError with an instruction where a person has to install, start or allow it."""
    if engine_answers():
        return
    with only_one(cache_folder() / "engine.lock"):
        if engine_answers():
            return
        if not shutil.which("dockerd"):
            _install(report)
        _start(report)


def engine_answers() -> bool:
    """Whether `docker info` reaches an engine. Raise SandboxError if this user may not talk to it."""
    if not shutil.which("docker"):
        return False
    answer = attempt(["docker", "info", "--format", "{{.ServerVersion}}"], timeout_seconds=20)
    if "permission denied" in answer.stderr.lower():
        raise SandboxError(
            "docker: this user may not use the engine; run: sudo usermod -aG docker $USER, log in again, try again"
        )
    return answer.returncode == 0 and bool(answer.stdout.strip())


def _install(report: Report) -> None:
    if not shutil.which("apt-get"):
        raise SandboxError(f"docker: no engine on this machine; {INSTALL_YOURSELF}")
    install("dockerd", PACKAGES, report)
    install("docker", ("docker-cli",), report)  # from Debian 13 on the client is a package of its own


def install(program: str, packages: tuple[str, ...], report: Report) -> None:
    """Have `program`, from Debian packages where it is missing; as root or with sudo.

    Raise SandboxError if neither is possible."""
    began = time.monotonic()
    words = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    with only_one(cache_folder() / "packages.lock"):
        if shutil.which(program):
            return
        run([*_as_root(), "apt-get", "update", "-qq"])
        run([*_as_root(), "env", "DEBIAN_FRONTEND=noninteractive", *words], timeout_seconds=900)
    report(f"installed {', '.join(packages)} ({time.monotonic() - began:.0f} s)")


def _as_root() -> tuple[str, ...]:
    if os.geteuid() == 0:
        return ()
    if shutil.which("sudo") and attempt(["sudo", "-n", "true"], timeout_seconds=10).returncode == 0:
        return ("sudo", "-n")
    raise SandboxError(f"docker: neither root nor sudo without a password here; {INSTALL_YOURSELF}")


def _start(report: Report) -> None:
    began = time.monotonic()
    if not shutil.which("dockerd"):
        raise SandboxError(f"docker: the engine is not running; {INSTALL_YOURSELF}")
    if not (_start_as_service() and _answers_within(15)):
        _start_by_hand()
    if not _answers_within(START_SECONDS):
        raise SandboxError(f"docker: no answer from the engine after {START_SECONDS:g} s; its log: {_log_file()}")
    report(f"started the Docker Engine ({time.monotonic() - began:.0f} s)")


def _start_as_service() -> bool:
    """Ask the machine's own service starter; False where there is none."""
    if Path("/run/systemd/system").is_dir():
        return attempt([*_as_root(), "systemctl", "start", "docker"], timeout_seconds=90).returncode == 0
    return False


def _start_by_hand() -> None:
    """Start dockerd in a session of its own, as nobody's child, so that it outlives this process and its terminal."""
    _remove_stale_pid_file(Path("/var/run/docker.pid"))
    with _log_file().open("ab") as log:
        words = ["setsid", "--fork", *_as_root(), "dockerd"]
        subprocess.run(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", check=True)


def _remove_stale_pid_file(pid_file: Path) -> None:
    """dockerd refuses to start while the file names a living process, even if that process is another program."""
    if pid_file.exists() and not _is_engine(pid_file.read_text().strip()):
        run([*_as_root(), "rm", "-f", str(pid_file)])


def _is_engine(pid: str) -> bool:
    try:
        return Path("/proc", pid, "comm").read_text().strip() == "dockerd"
    except OSError:
        return False


def _answers_within(seconds: float) -> bool:
    return wait_until(engine_answers, SystemClock(), timeout_seconds=seconds, interval_seconds=0.2)


def _log_file() -> Path:
    return cache_folder() / "dockerd.log"
