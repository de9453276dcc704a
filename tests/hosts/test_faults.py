"""The operator's process ends in the middle: the old or the new release serves, and the next command puts it right."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from autogrowth_ops.engines import engine_for
from autogrowth_ops.model.environment import App, Environment, Migrate, Service
from autogrowth_ops.model.plan import Plan
from autogrowth_ops.model.policies import Policies
from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost
from autogrowth_ops.sandbox.relay import Relay
from tests.fakes import make_containers, make_environment
from tests.plans import OLD, OLDER, make_change, serving

from .choosing import thorough, usually
from .conftest import connect, settle
from .far import behind_relay
from .load import Report, load
from .project import APP, INV, ONE_REPLICA, Project

BASE = f"/srv/{APP}/sandbox"
NUMBERS = count(1)
Strike = Callable[[subprocess.Popen[str], SandboxHost, Relay], None]


WHOLE = """\
    worker: {command: [python, main.py, worker]}
    scheduler: {command: [python, main.py, scheduler], singleton: true}
"""


def steps_of(plan: Plan) -> tuple[str, ...]:
    """Keys of the steps, without the releases in some of them; nothing can be tried behind the last one."""
    keys = (re.sub(r"-\d{8}.*", "", step.key) for step in plan.steps())
    return tuple(key for key in keys if key != "unlock")


def planned_steps(environment: Environment, **change: Any) -> tuple[str, ...]:
    """The steps that the engine plans for a change; a new step of the engine is tried because it stands here by itself."""
    running = make_containers(OLD.id, **{name: one.replicas for name, one in environment.app.services.items()})
    stopped = make_containers(OLDER.id, "exited", web=1)
    observed = replace(serving(), containers=(*running, *stopped))
    return steps_of(engine_for(environment).plan(make_change(environment, observed, **change)))


SMALL = make_environment()
LARGE = make_environment(
    app=App(
        name="shop",
        services={"web": Service(port=8000), "worker": Service(), "scheduler": Service(singleton=True)},
        migrate=Migrate(command=("migrate",)),
    ),
    policies=Policies(bake_seconds=1, keep_releases=2),
)
STEPS = {
    "deploy": planned_steps(SMALL),
    "deploy of everything": planned_steps(LARGE, with_stack=True),
    "rollback": planned_steps(SMALL, release=OLDER, is_new=False, sources=False),
}


def change_code(project: Project) -> None:
    with (project.source / "main.py").open("a") as file:
        file.write(f"# fault {next(NUMBERS)}\n")
    project.commit()


def change_everything(project: Project) -> None:
    """Code, schema and stack; of that only what no request goes through."""
    change_code(project)
    number = next(NUMBERS)
    (project.source / "src" / "migrations" / f"8{number:03d}_fault.sql").write_text(
        f"create table fault_{number} ();\n"
    )
    base = project.root / "env" / "base.yml"
    base.write_text(re.sub(r"256MiB, cpus: [\d.]+", f"256MiB, cpus: 0.{25 + number % 50}", base.read_text()))
    project.commit()


def planned(project: Project, *words: str) -> dict[str, str]:
    """Titles of the plan's steps, by key, as far as they are the same each time."""
    shown = json.loads(project.inv(*words, "--dry-run", "--json").stdout)
    return {re.sub(r"-\d{8}.*", "", step["step"]): re.sub(r" \d{8}-.*", "", step["title"]) for step in shown["steps"]}


def until_done(process: subprocess.Popen[str], title: str) -> None:
    """Read what `inv` says until this step is done."""
    assert process.stderr
    said = []
    for line in process.stderr:
        said.append(line)
        if line.startswith("✓") and line.split(": ", 1)[1].startswith(title):
            return
    raise AssertionError(f"{title}: no such step was done: {''.join(said)}")


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


@pytest.fixture
def whole(project: Project, two_releases: None) -> Iterator[None]:
    """A project with everything that makes a step of its own; as it was behind the test."""
    yml, base = (project.root / "env" / name for name in ("sandbox.yml", "base.yml"))
    before = yml.read_text(), base.read_text()
    yml.write_text(
        before[0].replace(ONE_REPLICA, ONE_REPLICA + WHOLE)
        + "\npolicies: {bake_seconds: 1, bake_slowdown: 50, keep_releases: 2}\n"
    )
    project.inv("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")
    yield
    yml.write_text(before[0]), base.write_text(before[1])
    project.inv("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")


def test_every_step_of_the_plans_is_tried(project: Project, two_releases: None) -> None:
    back = planned(project, "rollback", "--env=sandbox")
    change_code(project)
    steps = planned(project, "deploy", "--env=sandbox", "--skip-tests")
    assert set(steps) - {"unlock", "prune"} == set(STEPS["deploy"])
    assert set(back) - {"unlock"} == set(STEPS["rollback"])


@thorough
def test_every_step_of_a_deploy_of_everything_is_tried(project: Project, whole: None) -> None:
    change_everything(project)
    steps = planned(project, "deploy", "--env=sandbox", "--skip-tests")
    assert set(steps) - {"unlock"} == set(STEPS["deploy of everything"])


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


def in_order(row: tuple[str, ...]) -> tuple[int, ...]:
    """Where a row of the table stands: by fault, by command, by step."""
    fault, command, key, *_ = row
    return list(FAULTS).index(fault), list(STEPS).index(command), STEPS[command].index(key)


OUTAGES = ("Docker restarted", "host restarted")  # what is published through Docker itself is away meanwhile
USUAL = (
    *(("SIGKILL", "deploy", key) for key in STEPS["deploy"]),
    *(("SIGKILL", "rollback", key) for key in ("start", "switch", "record")),
    ("connection cut", "deploy", "switch"),
    ("connection silent", "deploy", "ready"),
    ("Docker restarted", "deploy", "ready"),
)
EVERY = [(fault, command, key) for fault in FAULTS for command in ("deploy", "rollback") for key in STEPS[command]]
ONLY_OF_EVERYTHING = [key for key in STEPS["deploy of everything"] if key not in STEPS["deploy"]]


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
    report, recovered = suffer(project, host, fault, words, key)
    record_property("fault", (fault, command, key, str(len(report.failures)), f"{recovered:.1f}"))
    assert report.failures == [] or fault in OUTAGES


@pytest.mark.parametrize("key", usually(ONLY_OF_EVERYTHING))
@pytest.mark.parametrize("fault", ["SIGKILL", "SIGTERM", "connection cut"])
def test_a_fault_in_a_deploy_of_everything_loses_nothing_and_the_next_puts_it_right(
    project: Project,
    host: SandboxHost,
    whole: None,
    record_property: Callable[[str, object], None],
    fault: str,
    key: str,
) -> None:
    change_everything(project)
    report, recovered = suffer(project, host, fault, ("deploy", "--env=sandbox", "--skip-tests"), key)
    row = (fault, "deploy of everything", key, str(len(report.failures)), f"{recovered:.1f}")
    record_property("fault", row)
    assert report.failures == []


def suffer(project: Project, host: SandboxHost, fault: str, words: tuple[str, ...], key: str) -> tuple[Report, float]:
    """A command that meets with a fault behind a step, and the deploy that puts things right, which leaves nothing behind;
    the load meanwhile, and the seconds from the fault to the end."""
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
    remote = connect(host)
    left = left_over(remote)
    remote.close()
    assert (left, report.releases[-1]) == ([], after["release"])
    return report, recovered


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
