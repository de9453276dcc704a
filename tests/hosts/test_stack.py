"""A stack that stands still, and a Docker that does: the first is started again, the second is named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost

from .choosing import thorough, usually
from .load import load
from .project import APP, ONE_REPLICA, Project

ENDS = [(end, service) for service in ("postgres", "redis", "proxy") for end in ("stop", "kill", "rm --force")]
DEPLOY = ("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")


def on_host(remote: FabricRemote, script: str) -> None:
    done = remote.run(script, timeout_seconds=120)
    assert done.exit_code == 0, done.stdout + done.stderr


def planned(project: Project, *words: str) -> tuple[bool, dict[str, str]]:
    """Whether something is to be done, and the titles of its steps by key."""
    shown = json.loads(project.inv(*words, "--dry-run", "--json").stdout)
    return shown["is_needed"], {step["step"]: step["title"] for step in shown["steps"]}


@pytest.mark.parametrize(("end", "service"), usually(ENDS, ("kill", "redis")))
def test_a_deploy_starts_what_of_the_stack_stands_still(
    project: Project, remote: FabricRemote, service: str, end: str
) -> None:
    project.inv(*DEPLOY)
    on_host(remote, f"docker {end} {APP}-sandbox-{service}-1")
    is_needed, steps = planned(project, *DEPLOY)
    assert is_needed
    assert steps["stack"] == f"start the stack again ({service})"
    project.inv(*DEPLOY)
    project.inv("health", "--env=sandbox")
    assert planned(project, *DEPLOY) == (False, {})


@thorough
def test_a_database_that_lost_its_data_gets_its_password_again(project: Project, remote: FabricRemote) -> None:
    project.inv(*DEPLOY)
    gone = "docker rm --force {0}-postgres-1 && docker volume rm {0}_postgres-data".format(f"{APP}-sandbox")
    on_host(remote, gone)
    project.inv(*DEPLOY)
    health = json.loads(project.inv("health", "--env=sandbox", "--json").stdout)
    assert {check["name"]: check["verdict"] for check in health["checks"]}["postgres"] == "passed"


def test_a_rollback_starts_the_stack_too(project: Project, remote: FabricRemote) -> None:
    with (project.root / "env" / "sandbox.env").open("a") as file:
        file.write("\nCOLOUR=blue\n")
    project.inv(*DEPLOY)
    on_host(remote, f"docker stop {APP}-sandbox-proxy-1")
    project.inv("rollback", "--env=sandbox")
    project.inv("health", "--env=sandbox")


HEALTH = "async def health(request: Request) -> Response:\n"


def without_redis(project: Project) -> None:
    """The environment names no Redis any more; the application is told of one that is not there."""
    yml, env = (project.root / "env" / f"sandbox.{kind}" for kind in ("yml", "env"))
    text = yml.read_text().replace("  redis:\n    password_secret: REDIS_PASSWORD\n", "  redis: null\n")
    yml.write_text(text.replace(ONE_REPLICA, f"{ONE_REPLICA}      start_timeout_seconds: 8\n"))
    env.write_text(re.sub("^REDIS_URL=.*$", "REDIS_URL=redis://127.0.0.1:1/0", env.read_text(), flags=re.MULTILINE))


def test_a_datastore_that_is_taken_out_stays_until_nothing_serves_that_needs_it(
    project: Project, host: SandboxHost, remote: FabricRemote, restored: None
) -> None:
    project.inv(*DEPLOY)
    without_redis(project)
    with load(host.http_port, "/health", rate=10) as report:
        assert project.inv(*DEPLOY, check=False).returncode == 4
    assert report.failures == []
    project.change("src/app.py", HEALTH, f"{HEALTH}    return JSONResponse({{}})\n")
    with load(host.http_port) as report:
        said = project.inv(*DEPLOY).stderr
        refused = project.inv("rollback", "--env=sandbox", check=False)
    assert "sandbox1: remove redis from the stack (what it stored stays)" in said
    assert report.failures == []
    on_host(remote, f"! docker inspect {APP}-sandbox-redis-1 && docker volume inspect {APP}-sandbox_redis-data")
    assert refused.returncode == 2
    assert "needs redis, which the stack has not any more; have it in env/" in refused.stderr


@pytest.fixture
def without_docker(project: Project, remote: FabricRemote) -> Iterator[None]:
    """The host's Docker daemon is stopped, with all that it runs; behind the test everything runs again."""
    project.inv(*DEPLOY)
    on_host(remote, "sudo service docker stop")
    yield
    on_host(remote, "sudo service docker start && until docker info >/dev/null 2>&1; do sleep 0.2; done")
    project.inv(*DEPLOY)


@pytest.mark.usefixtures("without_docker")
def test_what_needs_docker_says_that_it_does_not_answer(project: Project) -> None:
    for words in (
        ["status"],
        ["status", "--json"],
        ["logs"],
        ["exec", "--", "ls"],
        ["shell"],
        ["deploy", "--skip-tests"],
    ):
        done = project.inv(words[0], "--env=sandbox", *words[1:], check=False)
        assert done.returncode == 3, words
        assert "sandbox1: the Docker daemon does not answer; on the host: sudo systemctl start docker" in done.stderr


def test_a_container_that_cannot_be_started_is_told_with_the_cause(project: Project) -> None:
    yml = project.root / "env" / "sandbox.yml"
    before = yml.read_text()
    yml.write_text(before.replace(ONE_REPLICA, f"{ONE_REPLICA}      command: [no-such-program]\n"))
    done = project.inv(*DEPLOY, check=False)
    yml.write_text(before)
    first = next(line for line in done.stderr.splitlines() if line.startswith("error:"))
    assert done.returncode == 4
    assert '"no-such-program": executable file not found' in first
