"""Run local programs, the docker client above all, and know the sandbox's own folders."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autogrowth_ops.sandbox import SandboxError

Report = Callable[[str], None]


def run(words: Sequence[str], *, timeout_seconds: float = 600, stdin: str | None = None) -> str:
    """Standard output of a program that ended well. Raise SandboxError with the end of its errors otherwise."""
    done = attempt(words, timeout_seconds=timeout_seconds, stdin=stdin)
    if done.returncode:
        raise SandboxError(f"{' '.join(words[:3])}: exit code {done.returncode}: {_last_lines(done)}")
    return done.stdout


def attempt(
    words: Sequence[str], *, timeout_seconds: float = 600, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished process, whatever its exit code. Raise SandboxError if it is missing or takes too long."""
    try:
        return subprocess.run(
            list(words),
            input=stdin or "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise SandboxError(f"{words[0]}: not found on this machine; install it and try again") from error
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"{' '.join(words[:3])}: no end after {timeout_seconds:g} s") from error


def docker(*words: str, timeout_seconds: float = 600, stdin: str | None = None) -> str:
    """Standard output of one docker command, without the newline at its end. Raise SandboxError if it fails."""
    return run(["docker", *words], timeout_seconds=timeout_seconds, stdin=stdin).strip()


def docker_succeeds(*words: str, timeout_seconds: float = 600) -> bool:
    """Whether one docker command ended with exit code 0."""
    return attempt(["docker", *words], timeout_seconds=timeout_seconds).returncode == 0


def pipe(source: Sequence[str], target: Sequence[str]) -> None:
    """Run `source | target`. Raise SandboxError naming the one that failed."""
    with subprocess.Popen(list(source), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as producer:
        consumer = subprocess.run(list(target), stdin=producer.stdout, capture_output=True, text=True, check=False)
        if producer.stdout:
            producer.stdout.close()
    if consumer.returncode or producer.returncode:
        failed, code = (target, consumer.returncode) if consumer.returncode else (source, producer.returncode)
        raise SandboxError(f"{' '.join(failed[:3])}: exit code {code}: {consumer.stderr.strip()}")


@contextmanager
def only_one(lock_file: Path) -> Iterator[None]:
    """Hold `lock_file`; a second process that wants it waits here."""
    with lock_file.open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _last_lines(done: subprocess.CompletedProcess[str], count: int = 12) -> str:
    text = done.stderr.strip() or done.stdout.strip()
    return "\n".join(text.splitlines()[-count:])
