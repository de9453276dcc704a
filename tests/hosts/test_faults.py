"""The operator's process ends in the middle: the old or the new release serves, and the next command puts it right."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from itertools import count

import pytest

from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost

from .load import load
from .project import APP, INV, Project

BASE = f"/srv/{APP}/sandbox"
NUMBERS = count(1)
DEPLOY_STEPS = ("lock", "receive", "build", "start", "ready", "switch", "verify", "current", "record", "retire")
ROLLBACK_STEPS = ("lock", "start", "ready", "switch", "verify", "current", "record")


def change_code(project: Project) -> None:
    with (project.source / "main.py").open("a") as file:
        file.write(f"# fault {next(NUMBERS)}\n")
    project.commit()


def planned(project: Project, *words: str) -> dict[str, str]:
    """Titles of the plan's steps, by key."""
    shown = json.loads(project.inv(*words, "--dry-run", "--json").stdout)
    return {re.sub(r"-\d{8}.*", "", step["step"]): step["title"] for step in shown["steps"]}


def end_behind(project: Project, words: tuple[str, ...], title: str, number: signal.Signals) -> int:
    """Run `inv` and send it a signal as soon as it says that the step is done; its exit code."""
    process = subprocess.Popen(
        [str(INV), *words], cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )  # fmt: skip
    assert process.stderr
    for line in process.stderr:
        if line.startswith("✓") and line.split(": ", 1)[1].startswith(title):
            process.send_signal(number)
            break
    process.communicate()
    return process.returncode


def left_over(remote: FabricRemote) -> list[str]:
    """Whatever should not be there when nobody deploys."""
    look = f"""cd {BASE}
for _ in $(seq 60); do ls releases/*/retires >/dev/null 2>&1 || break; sleep 0.5; done
ls -d lock releases/*/retires incoming-* stack.next passwords.next rotation *.new stack/proxy/*.new 2>/dev/null
for folder in releases/*; do [ -f "$folder/release.json" ] || echo "$folder"; grep -l '"state": "started"' "$folder/release.json"; done
serving=$(cat stack/proxy/release)
docker ps --filter label=autogrowth.project --format '{{{{.Label "autogrowth.release"}}}}' | sort -u | grep -v "^$serving$" | grep .
[ "$(readlink current)" = "releases/$serving" ] || echo current"""
    return remote.run(look.replace("{{{{", "{{").replace("}}}}", "}}"), timeout_seconds=60).stdout.split()


@pytest.fixture
def two_releases(project: Project) -> None:
    """An older and a newer good release, the newer one serving."""
    project.inv("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")
    if project.inv("rollback", "--env=sandbox", "--dry-run", check=False).returncode:
        change_code(project)
        project.inv("deploy", "--env=sandbox", "--skip-tests")


def test_every_step_of_the_plans_is_tried(project: Project, two_releases: None) -> None:
    back = planned(project, "rollback", "--env=sandbox")
    change_code(project)
    steps = planned(project, "deploy", "--env=sandbox", "--skip-tests")
    assert set(steps) - {"unlock", "stack", "migrate", "image"} == set(DEPLOY_STEPS)
    assert set(back) - {"unlock", "retire"} == set(ROLLBACK_STEPS)


@pytest.mark.parametrize("key", DEPLOY_STEPS)
def test_a_killed_deploy_loses_nothing_and_the_next_puts_it_right(
    project: Project, host: SandboxHost, remote: FabricRemote, two_releases: None, key: str
) -> None:
    change_code(project)
    words = ("deploy", "--env=sandbox", "--skip-tests")
    title = planned(project, *words)[key]
    with load(host.http_port) as report:
        assert end_behind(project, words, title, signal.SIGKILL) == -signal.SIGKILL
        after = project.json(*words, "--wait=60s")
    assert report.failures == []
    assert report.orders()[-1] == after["release"]
    assert left_over(remote) == []


@pytest.mark.parametrize("key", ROLLBACK_STEPS)
def test_a_killed_rollback_loses_nothing_and_the_next_deploy_puts_it_right(
    project: Project, host: SandboxHost, remote: FabricRemote, two_releases: None, key: str
) -> None:
    words = ("rollback", "--env=sandbox")
    title = planned(project, *words)[key]
    with load(host.http_port) as report:
        assert end_behind(project, words, title, signal.SIGKILL) == -signal.SIGKILL
        after = project.json("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")
    assert report.failures == []
    assert report.orders()[-1] == after["release"]
    assert left_over(remote) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_deploy_undoes_itself(
    project: Project, host: SandboxHost, remote: FabricRemote, two_releases: None, number: signal.Signals
) -> None:
    change_code(project)
    words = ("deploy", "--env=sandbox", "--skip-tests")
    with load(host.http_port) as report:
        code = end_behind(project, words, planned(project, *words)["start"], number)
    assert code == 130
    assert report.failures == []
    assert len(report.orders()) == 1
    assert left_over(remote) == []
