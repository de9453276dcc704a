"""Docker Compose 2 on this machine: the one that is there, else the one that the sandbox's hosts have."""

from __future__ import annotations

import os
import re
from pathlib import Path

from autogrowth_ops.folders import cache_folder
from autogrowth_ops.sandbox import SandboxError
from autogrowth_ops.sandbox.images import ensure_host_image
from autogrowth_ops.sandbox.shell import Report, attempt, docker, only_one

Words = tuple[str, ...]

INSIDE = "/usr/libexec/docker/cli-plugins/docker-compose"
INSTALL_YOURSELF = "install Docker Compose 2 (https://docs.docker.com/compose/install), then try again"


def ensure_compose(report: Report) -> Words:
    """Words that begin a Compose command: `docker compose`, a `docker-compose` that is not Compose 1, or our copy.

    Raise SandboxError with an instruction where none of them works."""
    own = cache_folder() / "docker-compose"
    for words in (("docker", "compose"), ("docker-compose",), (str(own),)):
        if is_compose_2(words):
            return words
    try:
        _take_out_of_host(own, report)
    except SandboxError as error:
        raise SandboxError(f"docker compose: not on this machine; {INSTALL_YOURSELF}") from error
    if not is_compose_2((str(own),)):
        own.unlink()
        raise SandboxError(f"docker compose: not on this machine; {INSTALL_YOURSELF}")
    return (str(own),)


def is_compose_2(words: Words) -> bool:
    """Whether these words are Compose 2 or newer; Compose 1 does not understand our files."""
    try:
        answer = attempt([*words, "version", "--short"], timeout_seconds=20)
    except (SandboxError, OSError):
        return False
    return answer.returncode == 0 and re.match(r"v?([2-9]|\d\d)", answer.stdout.strip()) is not None


def _take_out_of_host(target: Path, report: Report) -> None:
    with only_one(cache_folder() / "compose.lock"):
        container = docker("create", ensure_host_image(report, bare=False))
        partial = target.with_suffix(f".{os.getpid()}")
        try:
            docker("cp", f"{container}:{INSIDE}", str(partial))
        finally:
            docker("rm", container)
        partial.replace(target)
    report("no Docker Compose 2 on this machine; took the one of the sandbox's hosts")
