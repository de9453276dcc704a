"""The operator's process ends in the middle: the old or the new release serves, and the next command puts it right."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import count

import pytest

from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost
from autogrowth_ops.sandbox.relay import Relay

from .choosing import usually
from .conftest import connect, settle
from .far import behind_relay
from .load import load
from .project import APP, INV, Project

BASE = f"/srv/{APP}/sandbox"
NUMBERS = count(1)
DEPLOY_STEPS = ("lock", "receive", "build", "start", "ready", "switch", "verify", "current", "record", "retire")
ROLLBACK_STEPS = ("lock", "start", "ready", "switch", "verify", "current", "record", "retire")
Strike = Callable[[subprocess.Popen[str], SandboxHost, Relay], None]


def change_code(project: Project) -> None:
    with (project.source / "main.py").open("a") as file:
        file.write(f"# fault {next(NUMBERS)}\n")
    project.commit()


@cache
def planned(project: Project, *words: str) -> dict[str, str]:
    """Titles of the plan's steps, by key, as far as they are the same each time."""
    shown = json.loads(project.inv(*words, "--dry-run", "--json").stdout)
    return {re.sub(r"-\d{8}.*", "", step["step"]): re.sub(r" \d{8}-.*", "", step["title"]) for step in shown["steps"]}


def until_done(process: subprocess.Popen[str], title: str) -> None:
    """Read what `inv` says until this step is done; it may have ended."""
    assert process.stderr
    for line in process.stderr:
        if line.startswith("✓") and line.split(": ", 1)[1].startswith(title):
            return


def begin(project: Project, words: tuple[str, ...]) -> subprocess.Popen[str]:
    """`inv` with its output in pipes."""
    return subprocess.Popen(
        [str(INV), *words], cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def end_behind(project: Project, words: tuple[str, ...], title: str, number: signal.Signals) -> int:
    """Run `inv` and send it a signal as soon as it says that the step is done; its exit code."""
    with begin(project, words) as process:
        until_done(process, title)
        process.send_signal(number)
        process.communicate(timeout=180)
    return process.returncode


def left_over(remote: FabricRemote) -> list[str]:
    """Whatever should not be there when nobody deploys."""
    settle(remote)
    look = f"""cd {BASE}
ls -d lock releases/*/retires incoming-* stack.next passwords.next rotation *.new stack/proxy/*.new 2>/dev/null
for folder in releases/*; do [ -f "$folder/release.json" ] || echo "$folder"; grep -l '"state": "started"' "$folder/release.json"; done
serving=$(cat stack/proxy/release)
docker ps --filter label=autogrowth.project --format '{{{{.Label "autogrowth.release"}}}}' | sort -u | grep -v "^$serving$" | grep .
[ "$(readlink current)" = "releases/$serving" ] || echo current"""
    return remote.run(look.replace("{{{{", "{{").replace("}}}}", "}}"), timeout_seconds=60).stdout.split()


@pytest.fixture
def two_releases(project: Project, remote: FabricRemote) -> None:
    """An older and a newer good release, the newer one serving."""
    if can_go_back(remote):
        return
    change_code(project)
    project.inv("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")
    if not can_go_back(remote):
        change_code(project)
        project.inv("deploy", "--env=sandbox", "--skip-tests")


def can_go_back(remote: FabricRemote) -> bool:
    """Whether what serves is good, and was put in the place of another good one that is still there."""
    words = """cd {} && of=releases/$(cat stack/proxy/release)/release.json && grep -q '"state": "good"' $of &&
was=$(sed -n 's/.*"was": "\\([^"]*\\)".*/\\1/p' $of) && [ -n "$was" ] && grep -q '"state": "good"' releases/$was/release.json"""
    return remote.run(words.format(BASE), timeout_seconds=30).exit_code == 0


def test_every_step_of_the_plans_is_tried(project: Project, two_releases: None) -> None:
    back = planned(project, "rollback", "--env=sandbox")
    change_code(project)
    steps = planned(project, "deploy", "--env=sandbox", "--skip-tests")
    assert set(steps) - {"unlock", "stack", "migrate", "image", "prune"} == set(DEPLOY_STEPS)
    assert set(back) - {"unlock"} == set(ROLLBACK_STEPS)


def signalled(number: signal.Signals) -> Strike:
    return lambda process, host, relay: process.send_signal(number)


def cut(process: subprocess.Popen[str], host: SandboxHost, relay: Relay) -> None:
    relay.close_connections()


def freeze(process: subprocess.Popen[str], host: SandboxHost, relay: Relay) -> None:
    """Until the operator's side has given up."""
    relay.freeze()
    process.communicate(timeout=60)
    relay.thaw()
    relay.close_connections()


def restart_docker(process: subprocess.Popen[str], host: SandboxHost, relay: Relay) -> None:
    words = ["docker", "exec", container_of(host), "service", "docker", "restart"]
    subprocess.run(words, check=True, capture_output=True, timeout=120)


def restart_host(process: subprocess.Popen[str], host: SandboxHost, relay: Relay) -> None:
    subprocess.run(["docker", "restart", container_of(host)], check=True, capture_output=True, timeout=120)


def container_of(host: SandboxHost) -> str:
    return f"autogrowth-{APP}-sandbox-{host.name}"


FAULTS: dict[str, Strike] = {
    "SIGKILL": signalled(signal.SIGKILL),
    "SIGINT": signalled(signal.SIGINT),
    "SIGTERM": signalled(signal.SIGTERM),
    "connection cut": cut,
    "connection silent": freeze,
    "Docker restarted": restart_docker,
    "host restarted": restart_host,
}
OUTAGES = ("Docker restarted", "host restarted")  # what is published through Docker itself is away meanwhile
STEPS = {"deploy": DEPLOY_STEPS, "rollback": ROLLBACK_STEPS}
USUAL = (
    *(("SIGKILL", "deploy", key) for key in DEPLOY_STEPS),
    *(("SIGKILL", "rollback", key) for key in ("start", "switch", "record")),
    ("connection cut", "deploy", "switch"),
    ("connection silent", "deploy", "ready"),
    ("Docker restarted", "deploy", "ready"),
)
EVERY = [(fault, command, key) for fault in FAULTS for command, keys in STEPS.items() for key in keys]


@pytest.mark.parametrize(("fault", "command", "key"), usually(EVERY, *USUAL))
def test_a_fault_behind_a_step_loses_nothing_and_the_next_deploy_puts_it_right(
    project: Project,
    host: SandboxHost,
    two_releases: None,
    record_property: Callable[[str, object], None],
    fault: str,
    command: str,
    key: str,
) -> None:
    words = (command, "--env=sandbox")
    if command == "deploy":
        change_code(project)
        words = (*words, "--skip-tests")
    title = planned(project, *words)[key]
    with behind_relay(host) as relay, load(host.http_port) as report:
        with begin(project, words) as process:
            until_done(process, title)
            began = time.monotonic()
            FAULTS[fault](process, host, relay)
            process.communicate(timeout=180)
        if fault in OUTAGES:
            until_it_serves(host)
        after = project.json("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")
        recovered = time.monotonic() - began
    record_property("fault", (fault, command, key, str(len(report.failures)), f"{recovered:.1f}"))
    assert report.failures == [] or fault in OUTAGES
    assert report.orders()[-1] == after["release"]
    remote = connect(host)
    assert left_over(remote) == []
    remote.close()


def until_it_serves(host: SandboxHost) -> None:
    """A host that was restarted serves again by itself."""
    ends = time.monotonic() + 120
    while time.monotonic() < ends:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{host.http_port}/version", timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError("it does not serve again")


@pytest.mark.parametrize("number", usually([signal.SIGINT, signal.SIGTERM], signal.SIGINT))
def test_an_interrupted_deploy_undoes_itself(
    project: Project, host: SandboxHost, remote: FabricRemote, two_releases: None, number: signal.Signals
) -> None:
    change_code(project)
    words = ("deploy", "--env=sandbox", "--skip-tests")
    title = planned(project, *words)["start"]
    with load(host.http_port) as report:
        code = end_behind(project, words, title, number)
    assert code == 130
    assert report.failures == []
    assert len(report.orders()) == 1
    assert left_over(remote) == []
