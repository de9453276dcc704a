"""Hooks on this machine, of deploys and rollbacks on a real host."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autogrowth_ops.sandbox.hosts import SandboxHost

from .choosing import usually
from .load import load
from .project import INV, Project

DEPLOY = ("deploy", "--env=sandbox", "--skip-tests")
HOOK = """
import json, os, sys
names = ("EVENT", "APP", "ENVIRONMENT", "RELEASE", "WAS", "SECONDS", "HOSTS", "BY", "REASON", "EXIT_CODE", "REHEARSAL")
variables = {name: os.environ[f"AUTOGROWTH_{name}"] for name in names}
with open("heard", "a") as file:
    file.write(json.dumps({"hook": sys.argv[1], "variables": variables, "document": json.load(sys.stdin)}) + "\\n")
"""
HOOKS = """
hooks:
  before_deploy: [python, hook.py, before_deploy]
  after_deploy: [python, hook.py, after_deploy]
  after_rollback: [python, hook.py, after_rollback]
  on_failure: [python, hook.py, on_failure]
"""
Heard = list[dict[str, Any]]


@pytest.fixture
def hooks(project: Project) -> Iterator[Path]:
    """The project with hooks that write down what they hear; its files are as they were behind the test."""
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project.root, capture_output=True, text=True, check=True
    ).stdout.strip()
    project.inv(*DEPLOY, "--wait=60s")
    yml = project.root / "env" / "sandbox.yml"
    yml.write_text(yml.read_text() + HOOKS)
    (project.root / "hook.py").write_text(HOOK)
    change(project, "with hooks 한글")
    yield project.root / "heard"
    subprocess.run(["git", "reset", "--quiet", "--hard", head], cwd=project.root, check=True)
    subprocess.run(["git", "clean", "--quiet", "-fd"], cwd=project.root, check=True)


def change(project: Project, subject: str) -> None:
    with (project.source / "main.py").open("a") as file:
        file.write(f"# one more {time.monotonic()}\n")
    project.commit(subject)


def heard(log: Path) -> Heard:
    """What the hooks heard since this was last asked."""
    found = [json.loads(line) for line in log.read_text().splitlines()]
    log.unlink()
    return found


def told(found: Heard) -> list[tuple[str, str, int | None]]:
    return [(one["hook"], one["document"]["event"], one["document"]["exit_code"]) for one in found]


def test_a_deploy_a_failure_and_a_rollback_call_their_hooks_with_the_facts(
    project: Project, host: SandboxHost, hooks: Path
) -> None:
    was = project.json("deploy", "--env=sandbox", "--dry-run")
    assert was["is_needed"] and not hooks.exists()

    done = project.json(*DEPLOY)
    found = heard(hooks)
    assert told(found) == [("before_deploy", "started", None), ("after_deploy", "done", 0)]
    for one in found:
        assert (one["document"]["release"], one["document"]["was"]) == (done["release"], done["was"])
        assert one["document"]["commits"] == done["commits"]
        assert "with hooks 한글" in one["document"]["commits"][0]
        assert (one["variables"]["APP"], one["variables"]["ENVIRONMENT"]) == (project.app, "sandbox")
        assert (one["variables"]["RELEASE"], one["variables"]["WAS"]) == (done["release"], done["was"])
        assert (one["variables"]["HOSTS"], one["variables"]["REHEARSAL"]) == ("sandbox1", "true")
    assert found[1]["document"]["timings"] == done["timings"]
    assert found[1]["document"]["seconds"] == done["seconds"]

    assert project.json(*DEPLOY)["changed"] is False
    assert not hooks.exists()

    future = "from __future__ import annotations\n"
    project.change("main.py", future, f"{future}raise SystemExit('no settings today')\n", "broken")
    failed = project.inv(*DEPLOY, check=False)
    found = heard(hooks)
    assert failed.returncode == 4
    assert told(found) == [("before_deploy", "started", None), ("on_failure", "failed", 4)]
    assert found[1]["variables"]["WAS"] == done["release"]
    assert "no settings today" in found[1]["variables"]["REASON"]
    assert found[1]["document"]["reason"] in failed.stderr.replace("\n       ", "\n")

    back = project.json("rollback", "--env=sandbox", "--yes")
    found = heard(hooks)
    assert told(found) == [("after_rollback", "done", 0)]
    assert (found[0]["document"]["release"], found[0]["document"]["was"]) == (back["release"], done["release"])
    assert float(found[0]["variables"]["SECONDS"]) == back["seconds"]


@pytest.mark.parametrize("number", usually([signal.SIGINT, signal.SIGTERM], signal.SIGTERM))
def test_an_interrupted_deploy_tells_its_hook(project: Project, hooks: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [str(INV), *DEPLOY], cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )  # fmt: skip
    assert process.stderr
    for line in process.stderr:
        if "send files" in line:
            process.send_signal(number)
            break
    process.communicate()
    assert process.returncode == 130
    assert told(heard(hooks)) == [("before_deploy", "started", None), ("on_failure", "failed", 130)]


def test_before_deploy_can_say_no_and_no_host_is_changed(project: Project, host: SandboxHost, hooks: Path) -> None:
    (project.root / "hook.py").write_text("print('a freeze until Monday')\nraise SystemExit(3)")
    with load(host.http_port) as report:
        done = project.inv(*DEPLOY, check=False)
    assert done.returncode == 4
    assert "the hook before_deploy failed: exit code 3; nothing was sent" in done.stderr
    assert "a freeze until Monday" in done.stderr
    assert (report.failures, len(report.orders())) == ([], 1)
    assert "take the lock" not in done.stderr


def test_a_hook_that_hangs_changes_neither_outcome_nor_exit_code(project: Project, hooks: Path) -> None:
    hanging = HOOK + "if sys.argv[1] != 'before_deploy': __import__('time').sleep(600)\n"
    (project.root / "hook.py").write_text(hanging)
    yml = project.root / "env" / "sandbox.yml"
    yml.write_text(yml.read_text().replace("hooks:\n", "hooks:\n  timeout_seconds: 2\n"))
    done = project.inv(*DEPLOY)
    assert "warning: the hook after_deploy failed: not done within 2 s (hooks/timeout_seconds)" in done.stderr
    assert "serves on sandbox1" in done.stdout
