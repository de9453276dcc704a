"""What the reading tasks say of a real host."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest

from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost

from .choosing import usually
from .project import APP, ONE_REPLICA, TWO_REPLICAS, Project


@pytest.fixture(scope="module", autouse=True)
def two_replicas(project: Project) -> Iterator[None]:
    """There is more to look at."""
    yml = project.root / "env" / "sandbox.yml"
    before = yml.read_text()
    yml.write_text(before.replace(ONE_REPLICA, TWO_REPLICAS))
    project.inv("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")
    yield
    yml.write_text(before)


def test_health_asks_everything_in_one_trip(project: Project) -> None:
    done = project.inv("health", "--env=sandbox", "--json")
    found = json.loads(done.stdout)
    names = [check["name"] for check in found["checks"]]
    assert found["verdict"] == "passed"
    assert names == ["api", "replica:web-1", "replica:web-2", "postgres", "redis"]
    assert found["trips"] == {"sandbox1": 1}
    assert all(isinstance(check["milliseconds"], int) for check in found["checks"])


@pytest.mark.parametrize("service", usually(["postgres", "redis"], "postgres"))
def test_health_fails_with_a_datastore_away(project: Project, remote: FabricRemote, service: str) -> None:
    container = f"{APP}-sandbox-{service}-1"
    remote.run(f"docker pause {container}", timeout_seconds=30)
    try:
        done = project.inv("health", "--env=sandbox", "--json", check=False)
    finally:
        remote.run(f"docker unpause {container}", timeout_seconds=30)
    failed = [check["name"] for check in json.loads(done.stdout)["checks"] if check["verdict"] == "failed"]
    assert done.returncode == 7
    assert service in failed
    assert "api" in failed


def test_a_replica_that_ended_is_seen(project: Project, remote: FabricRemote) -> None:
    name = remote.run("docker ps --format '{{.Names}}' | grep web-2", timeout_seconds=30).stdout.strip()
    remote.run(f"docker stop {name}", timeout_seconds=30)
    done = project.inv("health", "--env=sandbox", check=False)
    checked = project.inv("checklist", "--env=sandbox", check=False)
    repaired = project.json("deploy", "--env=sandbox", "--skip-tests")
    assert done.returncode == 7
    assert "exited" in done.stdout
    assert checked.returncode == 7
    assert "1 of 2" in checked.stdout
    assert repaired["changed"] is True


def test_the_checklist_fails_without_backups_and_passes_what_it_saw(project: Project) -> None:
    done = project.inv("checklist", "--host=sandbox1", "--json", check=False)
    verdicts = {item["item"]: item["verdict"] for item in json.loads(done.stdout)["items"]}
    assert done.returncode == 7
    assert verdicts.pop("backups") == "failed"
    assert "failed" not in verdicts.values()
    assert set(verdicts) >= {"cpu", "memory", "disk", "api", "replicas", "postgres", "redis", "logs", "release"}


def test_both_replicas_answer_through_the_proxy(project: Project, host: SandboxHost) -> None:
    def ask() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{host.http_port}/version", timeout=10) as answer:
            return str(json.load(answer)["hostname"])

    assert len({ask() for _ in range(20)}) == 2


def test_status_releases_logs_audit_and_locks_print_json(project: Project) -> None:
    status = json.loads(project.inv("status", "--env=sandbox", "--json").stdout)
    releases = json.loads(project.inv("releases", "--env=sandbox", "--json").stdout)
    audit = json.loads(project.inv("audit", "--env=sandbox", "--json").stdout)
    lines = project.inv("logs", "--env=sandbox", "--json", "--tail=5").stdout.splitlines()
    assert status[0]["serving"]["id"] == releases[0]["release"]["id"]
    assert audit[-1]["outcome"] == "done"
    assert {json.loads(line)["host"] for line in lines} == {"sandbox1"}
    assert json.loads(project.inv("lock.status", "--env=sandbox", "--json").stdout) == {}


def test_exec_gives_the_commands_words_and_exit_code(project: Project) -> None:
    done = project.inv("exec", "--env=sandbox", "--", "sh", "-c", "echo \"a  b\" '$HOME'; exit 9", check=False)
    assert done.stdout.strip() == "a  b $HOME"
    assert done.returncode == 9
