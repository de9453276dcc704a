"""What becomes of a release that is worse than the one before, once requests come to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost

from .choosing import thorough, usually
from .conftest import settle
from .load import Report, load
from .project import APP, Project

BASE = f"/srv/{APP}/sandbox"
VERSION = "async def version(request: Request) -> Response:\n"
ASKED = f"ASKED = __import__('itertools').count()\n\n\n{VERSION}    if next(ASKED) > 30:\n        "
WORSE = {
    "fails": (
        VERSION + "    import random\n    if random.random() < 0.2:\n        raise RuntimeError('now and then')\n",
        "more than policies/bake_error_percent, 1 %",
    ),
    "is slow": (
        VERSION + "    import asyncio\n    await asyncio.sleep(0.3)\n",
        "more than policies/bake_slowdown, 2 times",
    ),
    "ends": (ASKED + "__import__('os')._exit(3)\n", "ended with exit code 3, while it was watched"),
    "has no memory left": (ASKED + "b'x' * (4 << 30)\n", "was out of memory and ended with exit code 137, while"),
}


@pytest.fixture
def watched(project: Project, remote: FabricRemote, restored: None) -> str:
    """The release that serves; the next one is watched for 6 s. The project's files are as they were behind the test."""
    serving = str(project.json("deploy", "--env=sandbox", "--skip-tests")["release"])
    settle(remote)
    set_policy(project.root / "env" / "sandbox.yml")
    return serving


def set_policy(yml: Path) -> None:
    text = yml.read_text()
    assert "policies:" not in text
    yml.write_text(text + "\npolicies: {bake_seconds: 6}\n")


def running(remote: FabricRemote) -> list[str]:
    script = "docker ps --format '{{.ID}} {{.Names}}' --filter label=autogrowth.project"
    return sorted(remote.run(script, timeout_seconds=30).stdout.split("\n"))


def deploy(project: Project, host: SandboxHost) -> tuple[subprocess.CompletedProcess[str], Report]:
    project.commit("worse, or not")
    with load(host.http_port) as report:
        for _ in range(2):  # an age of the load before it, so that there is something to compare with
            project.inv("status", "--env=sandbox")
        done = project.inv("deploy", "--env=sandbox", "--skip-tests", check=False)
    return done, report


@pytest.mark.parametrize("kind", usually(WORSE, "fails"))
def test_a_release_that_is_worse_is_taken_back(
    project: Project, host: SandboxHost, remote: FabricRemote, watched: str, kind: str
) -> None:
    before = running(remote)
    new, expected = WORSE[kind]
    project.change("src/app.py", VERSION, new)
    done, report = deploy(project, host)
    assert done.returncode == 4, done.stderr
    assert expected in next(line for line in done.stderr.splitlines() if line.startswith("error:")), done.stderr
    assert report.orders()[0] == watched == report.releases[-1]
    assert len(report.orders()) == 2
    assert running(remote) == before
    assert remote.run(f"cat {BASE}/stack/proxy/release", timeout_seconds=30).stdout == watched
    bad = [line for line in project.inv("releases", "--env=sandbox").stdout.splitlines() if "bad" in line]
    assert bad
    assert bad[0].split()[0] == report.orders()[1]


def test_a_release_that_is_as_good_is_kept_and_nothing_is_lost(
    project: Project, host: SandboxHost, remote: FabricRemote, watched: str
) -> None:
    with (project.source / "main.py").open("a") as file:
        file.write("# as good\n")
    done, report = deploy(project, host)
    assert done.returncode == 0, done.stderr
    assert report.failures == []
    assert report.orders()[0] == watched
    audited = remote.run(f'grep \'"step":"bake","outcome":"done"\' {BASE}/audit.jsonl | tail -1', timeout_seconds=30)
    assert f'"release":"{report.orders()[1]}"' in audited.stdout


@thorough
def test_a_release_that_nobody_asks_is_judged_by_what_runs(project: Project, watched: str) -> None:
    with (project.source / "main.py").open("a") as file:
        file.write("# without requests\n")
    project.commit()
    steps = project.json("deploy", "--env=sandbox", "--skip-tests")["timings"]["sandbox1"]  # type: ignore[index]
    assert steps["bake"] >= 6000
    back = project.json("rollback", "--env=sandbox")
    assert back["release"] == watched
    assert "bake" not in back["timings"]["sandbox1"]  # type: ignore[index]
