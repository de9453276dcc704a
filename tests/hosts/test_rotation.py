"""Changing the passwords of Postgres and Redis is a deploy like any other, on a real host."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from secrets import token_hex

import pytest

from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost

from .choosing import thorough, usually
from .load import load
from .project import APP, Project
from .test_faults import BASE, end_behind, left_over

DEPLOY = ("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")
STARTED = (
    f"docker inspect --format '{{{{.Id}}}} {{{{.State.StartedAt}}}}' {APP}-sandbox-postgres-1 {APP}-sandbox-redis-1"
)
FUTURE = "from __future__ import annotations\n"
EAGER = (
    FUTURE
    + """
import os, psycopg, redis
psycopg.connect(os.environ["DATABASE_URL"]).close()
redis.Redis.from_url(os.environ["REDIS_URL"]).ping()
"""
)
SECONDS = 60
Rotate = Callable[[], dict[str, str]]


def on_host(remote: FabricRemote, script: str, stdin: str = "") -> tuple[int, str]:
    done = remote.run(script, stdin=stdin.encode(), timeout_seconds=60)
    return done.exit_code, done.stdout.strip()


def logs_in(remote: FabricRemote, secrets: dict[str, str]) -> tuple[bool, bool]:
    """Whether Postgres and Redis take these passwords from somebody who comes over the network."""
    postgres = f"""docker exec -i {APP}-sandbox-postgres-1 sh -c 'PGPASSWORD=$(cat) && export PGPASSWORD &&
        psql --host=postgres --username=trading_user --dbname=trading_system --command="select 1"'"""
    redis = f"""docker exec -i {APP}-sandbox-redis-1 sh -c 'REDISCLI_AUTH=$(cat) && export REDISCLI_AUTH &&
        redis-cli -h redis ping' | grep PONG"""
    of_postgres, _ = on_host(remote, postgres, secrets["POSTGRES_PASSWORD"])
    of_redis, _ = on_host(remote, redis, secrets["REDIS_PASSWORD"])
    return of_postgres == 0, of_redis == 0


@pytest.fixture
def rotate(project: Project) -> Iterator[Rotate]:
    """Gives env/sandbox.secrets other passwords; they stay for the tests that follow."""
    file = project.root / "env" / "sandbox.secrets"

    def rotate() -> dict[str, str]:
        secrets = {name: f'{name}"$#: 비번 {token_hex(4)}' for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD")}
        file.touch(mode=0o600)
        file.write_text("".join(f"{name}='{text}'\n" for name, text in secrets.items()))
        return secrets

    return rotate


@pytest.fixture
def before(project: Project, rotate: Rotate) -> dict[str, str]:
    """Passwords that were deployed before the test begins."""
    found = rotate()
    project.inv(*DEPLOY)
    return found


@pytest.fixture
def restored(project: Project) -> Iterator[None]:
    """main.py and the environment's files as they were, committed again behind the test."""
    files = {
        path: path.read_text() for path in (project.source / "main.py", *(project.root / "env").glob("sandbox.[ey]*"))
    }
    yield
    for path, text in files.items():
        path.write_text(text)
    project.commit("restored")


def test_other_passwords_lose_no_request_and_restart_no_datastore(
    project: Project, host: SandboxHost, remote: FabricRemote, before: dict[str, str], rotate: Rotate
) -> None:
    started, after = on_host(remote, STARTED), rotate()
    with load(host.http_port) as report:
        outcome = project.json(*DEPLOY)
    assert report.failures == []
    assert report.orders()[-1] == outcome["release"]
    assert "build" not in outcome["timings"]["sandbox1"]  # type: ignore[index]
    assert on_host(remote, STARTED) == started
    assert (logs_in(remote, before), logs_in(remote, after)) == ((False, False), (True, True))
    project.inv("health", "--env=sandbox")


@thorough
def test_whoever_uses_the_database_meanwhile_keeps_its_connections(
    project: Project, host: SandboxHost, before: dict[str, str], rotate: Rotate
) -> None:
    """A new connection of what still serves is refused until the switch; a loaded machine may need some."""
    rotate()
    with load(host.http_port, "/health") as report:
        outcome = project.json(*DEPLOY)
    took = outcome["timings"]["sandbox1"]  # type: ignore[index]
    print(f"{len(report.failures)} of {report.sent} requests with a query failed; {took}")
    assert set(report.failures) <= {"status 503"}
    assert len(report.failures) < report.sent / 4
    assert report.orders()[-1] == outcome["release"]


def test_a_failed_deploy_brings_the_passwords_of_before_back(
    project: Project, remote: FabricRemote, before: dict[str, str], rotate: Rotate, restored: None
) -> None:
    after = rotate()
    project.change("main.py", FUTURE, FUTURE + "raise SystemExit('no settings today')\n")
    done = project.inv(*DEPLOY, check=False)
    assert done.returncode == 4, done.stderr
    assert "no settings today" in done.stderr
    assert (logs_in(remote, before), logs_in(remote, after)) == ((True, True), (False, False))
    assert left_over(remote) == []


def test_a_rollback_keeps_the_present_passwords(
    project: Project, host: SandboxHost, remote: FabricRemote, before: dict[str, str], rotate: Rotate
) -> None:
    after = rotate()
    project.inv(*DEPLOY)
    with load(host.http_port) as report:
        outcome = project.json("rollback", "--env=sandbox")
    assert report.failures == []
    assert report.orders() == [outcome["was"], outcome["release"]]
    assert (logs_in(remote, before), logs_in(remote, after)) == ((False, False), (True, True))
    project.inv("health", "--env=sandbox")


@thorough
def test_a_rollback_to_variables_that_were_written_otherwise_is_refused(
    project: Project, before: dict[str, str], rotate: Rotate, restored: None
) -> None:
    env = project.root / "env" / "sandbox.env"
    env.write_text(env.read_text().replace("/trading_system", "/trading_system?connect_timeout=5"))
    rotate()
    project.inv(*DEPLOY)
    done = project.inv("rollback", "--env=sandbox", check=False)
    assert done.returncode == 2
    assert "DATABASE_URL, REDIS_URL cannot be given the present ones" in done.stderr


@thorough
def test_an_application_that_ends_without_its_database_is_started_again(
    project: Project, remote: FabricRemote, before: dict[str, str], rotate: Rotate, restored: None
) -> None:
    project.change("main.py", FUTURE, EAGER)
    project.inv(*DEPLOY)
    after = rotate()
    project.inv(*DEPLOY)
    assert logs_in(remote, after) == (True, True)
    project.inv("health", "--env=sandbox")


STEPS = {
    "start": "start web",
    "listen": "wait until web listens",
    "passwords": "set the passwords",
    "ready": "wait until web answers",
    "switch": "switch the proxy",
    "current": "name it current",
    "settle": "revoke the old passwords",
}


@pytest.mark.parametrize("key", usually(STEPS, "passwords"))
def test_a_killed_change_of_passwords_is_put_right_by_the_next_deploy(
    project: Project, host: SandboxHost, remote: FabricRemote, before: dict[str, str], rotate: Rotate, key: str
) -> None:
    after = rotate()
    with load(host.http_port) as report:
        assert end_behind(project, DEPLOY, STEPS[key], signal.SIGKILL) == -signal.SIGKILL
        outcome = project.json(*DEPLOY)
    assert report.failures == []
    assert report.orders()[-1] == outcome["release"]
    assert (logs_in(remote, before), logs_in(remote, after)) == ((False, False), (True, True))
    assert left_over(remote) == []


@pytest.mark.parametrize("key", usually(["passwords", "switch"], "passwords"))
def test_a_killed_change_of_passwords_is_put_right_by_a_rollback(
    project: Project, remote: FabricRemote, before: dict[str, str], rotate: Rotate, key: str
) -> None:
    rotate()
    assert end_behind(project, DEPLOY, STEPS[key], signal.SIGKILL) == -signal.SIGKILL
    project.inv("rollback", "--env=sandbox", "--wait=60s")
    answer = f"curl --silent --fail http://127.0.0.1/health >/dev/null && ls -d {BASE}/rotation {BASE}/passwords.next"
    assert on_host(remote, answer) == (2, "")


@thorough
def test_what_serves_can_connect_again_soon_after_the_operator_is_gone(
    project: Project, remote: FabricRemote, before: dict[str, str], rotate: Rotate
) -> None:
    rotate()
    assert end_behind(project, DEPLOY, STEPS["passwords"], signal.SIGKILL) == -signal.SIGKILL
    deadline = time.monotonic() + SECONDS
    while logs_in(remote, before) != (True, True):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    project.inv(*DEPLOY)
