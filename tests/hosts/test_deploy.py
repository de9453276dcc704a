"""What a deploy promises, on a real host, under load."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from itertools import count

import pytest

from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost

from .choosing import thorough
from .conftest import settle
from .load import Report, load
from .project import APP, INV, ONE_REPLICA, TWO_REPLICAS, Project

BASE = f"/srv/{APP}/sandbox"
NUMBERS = count(1)
GAP_SECONDS = 0.25


def change_code(project: Project) -> None:
    with (project.source / "main.py").open("a") as file:
        file.write(f"# change {next(NUMBERS)}\n")
    project.commit()


def deploy(project: Project, *words: str) -> dict[str, object]:
    return project.json("deploy", "--env=sandbox", "--skip-tests", *words)


def on_host(remote: FabricRemote, script: str) -> str:
    return remote.run(script, timeout_seconds=60).stdout.strip()


def containers(remote: FabricRemote) -> list[str]:
    return sorted(
        on_host(remote, "docker ps --format '{{.ID}} {{.Names}}' --filter label=autogrowth.project").splitlines()
    )


def assert_nothing_lost(report: Report, old: object, new: object) -> None:
    assert report.failures == []
    assert report.orders() == [old, new]
    assert report.gap < GAP_SECONDS + report.control_gap


@pytest.fixture(scope="module", autouse=True)
def two_replicas(project: Project) -> Iterator[None]:
    """What is promised is promised for several replicas."""
    yml = project.root / "env" / "sandbox.yml"
    yml.write_text(yml.read_text().replace(ONE_REPLICA, TWO_REPLICAS))
    project.commit("two replicas")
    yield
    yml.write_text(yml.read_text().replace(TWO_REPLICAS, ONE_REPLICA))
    project.commit("one replica")


@pytest.fixture
def serving(project: Project, remote: FabricRemote) -> str:
    """The release that serves before the test begins; what it replaced has stopped."""
    release = str(deploy(project)["release"])
    settle(remote)
    return release


def test_a_code_change_loses_no_request(project: Project, host: SandboxHost, serving: str) -> None:
    change_code(project)
    with load(host.http_port) as report:
        outcome = deploy(project)
    assert_nothing_lost(report, serving, outcome["release"])


def test_a_configuration_change_reuses_the_image_and_loses_no_request(
    project: Project, host: SandboxHost, serving: str
) -> None:
    with (project.root / "env" / "sandbox.env").open("a") as file:
        file.write(f"\nFEATURE_{next(NUMBERS)}=한글 $HOME 'quoted'\n")
    with load(host.http_port) as report:
        outcome = deploy(project)
    assert_nothing_lost(report, serving, outcome["release"])
    steps = outcome["timings"]["sandbox1"]  # type: ignore[index]
    assert "image" in steps
    assert "build" not in steps
    assert "한글 $HOME 'quoted'" in project.inv("exec", "--env=sandbox", "--", "env").stdout


def test_a_rollback_loses_no_request_and_brings_the_old_version_back(
    project: Project, host: SandboxHost, serving: str
) -> None:
    change_code(project)
    new = deploy(project)["release"]
    with load(host.http_port) as report:
        outcome = project.json("rollback", "--env=sandbox")
    assert outcome["release"] == serving
    assert_nothing_lost(report, new, serving)


@thorough
def test_a_changed_port_loses_no_request_and_can_be_rolled_back(
    project: Project, host: SandboxHost, serving: str, restored: None
) -> None:
    yml, variables = project.root / "env" / "sandbox.yml", project.root / "env" / "sandbox.env"
    before = yml.read_text(), variables.read_text()
    yml.write_text(before[0].replace(TWO_REPLICAS, f"{TWO_REPLICAS}      port: 8001\n"))
    variables.write_text(before[1] + "\nPORT=8001\n")
    with load(host.http_port) as report:
        changed = deploy(project)["release"]
        back = project.json("rollback", "--env=sandbox")["release"]
    yml.write_text(before[0]), variables.write_text(before[1])
    assert back == serving
    assert report.failures == []
    assert report.orders() == [serving, changed]


def test_trips_stay_within_the_budget(project: Project, serving: str) -> None:
    change_code(project)
    assert deploy(project)["trips"]["sandbox1"] <= 8  # type: ignore[index]
    assert deploy(project)["trips"]["sandbox1"] <= 2  # type: ignore[index]
    assert project.json("rollback", "--env=sandbox")["trips"]["sandbox1"] <= 4  # type: ignore[index]


def test_a_deploy_that_changes_nothing_restarts_nothing(project: Project, remote: FabricRemote, serving: str) -> None:
    before = containers(remote)
    outcome = deploy(project)
    assert outcome["changed"] is False
    assert outcome["release"] == serving
    assert containers(remote) == before


HEALTH = "async def health(request: Request) -> Response:\n"
FUTURE = "from __future__ import annotations\n"
BROKEN = {
    "crashes at start": ("main.py", FUTURE, FUTURE + "raise SystemExit('no settings today')\n", "no settings today"),
    "never listens": ("main.py", FUTURE, FUTURE + "import time\ntime.sleep(600)\n", "last health answer: none"),
    "health answers 500": (
        "src/app.py",
        HEALTH,
        HEALTH + "    raise RuntimeError('broken')\n",
        "last health answer: 500",
    ),
    "migration fails": ("src/migrations/0009_broken.sql", "", "select no_such_column;\n", "no_such_column"),
    "build fails": ("requirements.txt", "", "no-such-package-of-this-name==1\n", "no-such-package-of-this-name"),
}


LIMITS = {"never listens": 3, "health answers 500": 12}  # these take all of it; others end before


def break_release(project: Project, kind: str) -> str:
    path, old, new, expected = BROKEN[kind]
    file = project.source / path
    content = file.read_text() if file.exists() else ""
    assert old in content
    file.write_text(content.replace(old, new, 1) if old else new + content)
    yml = project.root / "env" / "sandbox.yml"
    seconds = LIMITS.get(kind, 120)
    yml.write_text(yml.read_text().replace(TWO_REPLICAS, f"{TWO_REPLICAS}      start_timeout_seconds: {seconds}\n"))
    project.commit(kind)
    return expected


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_release_leaves_the_old_one_serving(
    project: Project, host: SandboxHost, remote: FabricRemote, serving: str, restored: None, kind: str
) -> None:
    before = containers(remote)
    expected = break_release(project, kind)
    with load(host.http_port) as report:
        done = project.inv("deploy", "--env=sandbox", "--skip-tests", check=False)
    assert done.returncode == 4, done.stderr
    assert expected in "\n".join(line for line in done.stderr.splitlines() if "error:" in line), done.stderr
    assert report.failures == []
    assert report.orders() == [serving]
    assert containers(remote) == before
    assert on_host(remote, f"ls -d {BASE}/lock {BASE}/incoming-* {BASE}/stack.next 2>/dev/null") == ""
    assert project.inv("releases", "--env=sandbox", "--json").stdout.count('"bad"') >= 1


def test_a_container_that_exits_is_noticed_at_once(
    project: Project, remote: FabricRemote, serving: str, restored: None
) -> None:
    break_release(project, "crashes at start")
    project.inv("deploy", "--env=sandbox", "--skip-tests", check=False)
    entries = [json.loads(line) for line in on_host(remote, f"tail -40 {BASE}/audit.jsonl").splitlines()]
    ready = [entry for entry in entries if entry["step"] == "ready" and entry["outcome"].startswith("failed")][-1]
    assert ready["outcome"] == "failed:21"
    print(f"given up after {ready['ms']} ms")
    assert ready["ms"] < 30_000  # on a machine with nothing else to do: below 3 s


def test_the_second_of_two_deploys_names_the_first(project: Project, serving: str) -> None:
    change_code(project)
    words = [str(INV), "deploy", "--env=sandbox", "--skip-tests"]
    first = subprocess.Popen(
        words, cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    )
    assert first.stderr
    while "take the lock" not in first.stderr.readline():
        assert first.poll() is None
    second = project.inv("deploy", "--env=sandbox", "--skip-tests", check=False)
    first.communicate()
    assert first.returncode == 0
    assert second.returncode == 6
    assert "locked by" in second.stderr
    assert f"pid {first.pid}" in second.stderr


def test_uncommitted_changes_are_refused_unless_allowed(
    project: Project, remote: FabricRemote, serving: str, restored: None
) -> None:
    (project.source / "notes.txt").write_text("not committed\n")
    refused = project.inv("deploy", "--env=sandbox", "--skip-tests", check=False)
    assert refused.returncode == 2
    assert "notes.txt" in refused.stderr
    outcome = deploy(project, "--allow-dirty")
    assert str(outcome["release"]).endswith("-dirty")
    assert on_host(remote, f"cat {BASE}/source/notes.txt") == "not committed"
    (project.source / "notes.txt").unlink()
    deploy(project)
    assert on_host(remote, f"ls {BASE}/source/notes.txt 2>/dev/null") == ""


def test_a_dry_run_touches_nothing(project: Project, remote: FabricRemote, serving: str) -> None:
    change_code(project)
    look = f"find {BASE} -printf '%p %T@ %s\\n' | sort; docker ps --all --format '{{{{.ID}}}} {{{{.State}}}}'; docker image ls --quiet"
    before = on_host(remote, look)
    shown = project.inv("deploy", "--env=sandbox", "--dry-run").stdout
    assert "build the image" in shown
    assert on_host(remote, look) == before


@thorough
def test_only_so_many_releases_are_kept(project: Project, remote: FabricRemote, serving: str) -> None:
    for _ in range(5):
        change_code(project)
        deploy(project)
    good = [
        one
        for one in json.loads(project.inv("releases", "--env=sandbox", "--json").stdout)
        if one["release"]["state"] == "good"
    ]
    assert len(good) == 5
    images = on_host(remote, f"docker image ls {APP}-sandbox --format '{{{{.Tag}}}}'").splitlines()
    assert set(images) == {one["release"]["id"] for one in good}


def test_an_unknown_rollback_target_lists_what_there_is(project: Project, serving: str) -> None:
    done = project.inv("rollback", "--env=sandbox", "--to=20200101-000000-0000000", check=False)
    assert done.returncode == 2
    assert serving in done.stderr


@thorough
def test_a_git_ref_is_deployed_as_it_was(project: Project, host: SandboxHost, serving: str) -> None:
    subprocess.run(["git", "tag", "--force", "v1"], cwd=project.root, check=True)
    tagged = deploy(project)["release"]
    change_code(project)
    deploy(project)
    outcome = deploy(project, "--version=v1")
    assert outcome["changed"] is True
    assert outcome["release"] != tagged
    assert project.inv("deploy", "--env=sandbox", "--version=no-such-tag", check=False).returncode == 2


def test_a_failing_gate_sends_nothing(project: Project, remote: FabricRemote, serving: str, restored: None) -> None:
    before = on_host(remote, f"cat {BASE}/audit.jsonl | wc -l")
    (project.source / "tests" / "test_broken.py").write_text(
        "def test_broken():\n    assert False, 'broken on purpose'\n"
    )
    project.commit()
    done = project.inv("deploy", "--env=sandbox", check=False)
    assert done.returncode == 4
    assert "broken on purpose" in done.stderr
    assert on_host(remote, f"cat {BASE}/audit.jsonl | wc -l") == before
