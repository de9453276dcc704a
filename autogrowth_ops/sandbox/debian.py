"""A Debian root file system, made from the mirror that this machine's own package sources name."""

from __future__ import annotations

import shutil
from pathlib import Path

from autogrowth_ops.sandbox import SandboxError
from autogrowth_ops.sandbox.engine import install
from autogrowth_ops.sandbox.shell import Report, run

SUITES = ("bookworm", "trixie")


def build_root_file_system(script: Path, suite: str, target: Path, report: Report) -> None:
    """Write `suite` (bookworm or trixie) as the tar file `target`; installs mmdebstrap if it is missing.

    Raise SandboxError on a machine that is not Debian."""
    lines = source_lines(_index_targets(), suite)
    install("mmdebstrap", ("mmdebstrap",), report)
    run(["sh", str(script), suite, str(target), *lines], timeout_seconds=900)


def source_lines(index_targets: str, suite: str) -> tuple[str, ...]:
    """Lines of sources.list for `suite`, from `label|address` lines as apt-get prints them.

    Raise SandboxError if no line names a Debian mirror."""
    addresses = dict(reversed([line.split("|", 1) for line in index_targets.splitlines() if "|" in line]))
    if "Debian" not in addresses:
        raise SandboxError(
            "base images: neither Docker Hub nor a Debian mirror can be reached from here; allow one of them, try again"
        )
    main = addresses["Debian"].rstrip("/")
    lines = [f"deb {main} {suite} main", f"deb {main} {suite}-updates main"]
    if "Debian-Security" in addresses:
        lines.append(f"deb {addresses['Debian-Security'].rstrip('/')} {suite}-security main")
    return tuple(lines)


def _index_targets() -> str:
    if not shutil.which("apt-get"):
        return ""
    words = ["apt-get", "indextargets", "--format", "$(LABEL)|$(REPO_URI)", "Created-By: Packages"]
    return run(words, timeout_seconds=60)
