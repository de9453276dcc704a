"""`inv dev.up` on the engine of this machine: a real application with reload, Postgres and Redis."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from .project import Project, make_project
from .sshd import free_port

APP = f"dev-{os.getpid()}"
SECONDS = 60


@dataclass(frozen=True)
class Workplace:
    """A project and the ports its development environment has."""

    project: Project
    port: int
    redis_port: int
    postgres_port: int

    def up(self, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `inv dev.up` with the ports."""
        ports = (f"--port={self.port}", f"--redis-port={self.redis_port}", f"--postgres-port={self.postgres_port}")
        return self.project.inv("dev.up", *ports, check=check)

    def answer(self, path: str) -> dict[str, object]:
        """What the application answers."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}{path}", timeout=5) as found:
            answer = json.load(found)
        assert isinstance(answer, dict)
        return answer

    def inspect(self, service: str) -> dict[str, dict[str, object]]:
        """What Docker knows of a service's container."""
        name = f"{APP}-development-{service}-1"
        return json.loads(subprocess.run(["docker", "inspect", name], check=True, capture_output=True).stdout)[0]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    project = make_project(tmp_path_factory.mktemp("development"), APP)
    found = Workplace(project, free_port(), free_port(), free_port())
    try:
        found.up()
        yield found
    finally:
        project.inv("dev.down", "--volumes", check=False)
        subprocess.run(["docker", "image", "rm", "--force", f"{APP}-development:development"], capture_output=True)


def eventually(is_true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.2)
    return is_true()


def test_the_application_answers_with_its_database_and_redis(workplace: Workplace) -> None:
    answer = workplace.answer("/health")
    assert answer["status"] == "healthy"
    assert answer["release"] == "development"


def test_the_application_has_the_variables_of_development(workplace: Workplace) -> None:
    variables = workplace.inspect(APP)["Config"]["Env"]
    assert {"ENVIRONMENT=development", "DATABASE_URL=sqlite:///./data/trading_system.db"} <= set(variables)  # type: ignore[call-overload]


@pytest.mark.parametrize("service", [pytest.param(APP, id="app"), "redis", "postgres"])
def test_everything_restarts_and_listens_on_this_machine_only(workplace: Workplace, service: str) -> None:
    settings = workplace.inspect(service)["HostConfig"]
    assert settings["RestartPolicy"]["Name"] == "unless-stopped"  # type: ignore[index]
    bindings = [one for found in settings["PortBindings"].values() for one in found]  # type: ignore[attr-defined]
    assert {one["HostIp"] for one in bindings} == {"127.0.0.1"}


def test_what_the_application_writes_is_the_developers(workplace: Workplace) -> None:
    written = [workplace.project.root / path for path in ("data/trading_system.db", "logs/app.log")]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in written} == {(os.getuid(), os.getgid())}


def test_postgres_has_the_database_and_the_user(workplace: Workplace) -> None:
    words = ["docker", "exec", f"{APP}-development-postgres-1", "psql", "-U", "trading_user", "-Atc"]
    select = "select current_database(), current_user"
    done = subprocess.run([*words, select, "trading_system"], check=True, capture_output=True, text=True)
    assert done.stdout == "trading_system|trading_user\n"


def test_a_change_of_the_source_is_served_at_once(workplace: Workplace) -> None:
    file = workplace.project.source / "src" / "app.py"
    file.write_text(file.read_text().replace('"status": "healthy"', '"status": "changed"'))
    assert eventually(lambda: answers_with(workplace, "changed"))
    file.write_text(file.read_text().replace('"status": "changed"', '"status": "healthy"'))
    assert eventually(lambda: file.touch() or answers_with(workplace, "healthy"))  # a change during a reload is missed


def answers_with(workplace: Workplace, status: str) -> bool:
    try:
        return workplace.answer("/health")["status"] == status
    except OSError:
        return False


def test_a_second_time_nothing_is_made_anew(workplace: Workplace) -> None:
    before = [workplace.inspect(service)["Id"] for service in (APP, "redis", "postgres")]
    workplace.up()
    assert [workplace.inspect(service)["Id"] for service in (APP, "redis", "postgres")] == before


def test_its_state_can_be_looked_at(workplace: Workplace) -> None:
    found = workplace.project.json("dev.status")
    assert found["is_healthy"] is True
    assert [one["service"] for one in found["containers"]] == sorted([APP, "postgres", "redis"])  # type: ignore[attr-defined]


def test_secrets_are_made_up_once_and_kept(workplace: Workplace) -> None:
    file = workplace.project.root / "env" / "development.secrets"
    assert re.fullmatch(r"POSTGRES_PASSWORD=\S{32}\n", file.read_text())
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_taken_port_is_named_with_what_to_do(workplace: Workplace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        done = workplace.project.inv("dev.up", f"--port={taken}", f"--redis-port={workplace.port}", check=False)
    assert done.returncode == 2
    assert f"127.0.0.1:{taken}: taken by another program" in done.stderr
    assert "inv dev.up --env=development --port=" in done.stderr


def test_an_application_that_ends_is_reported_with_its_last_lines(workplace: Workplace) -> None:
    file = workplace.project.root / "env" / "development.env"
    good = file.read_text()
    file.write_text(good.replace("redis://redis:6379", "nonsense"))
    done = workplace.up(check=False)
    file.write_text(good)
    assert done.returncode == 7
    assert "REDIS_URL: should look like redis://" in done.stderr
    assert workplace.up().returncode == 0


def test_an_environment_with_hosts_is_refused(workplace: Workplace) -> None:
    done = workplace.project.inv("dev.up", "--env=production", check=False)
    assert done.returncode == 2
    assert "production.yml: has hosts" in done.stderr


def test_down_leaves_what_the_application_wrote(workplace: Workplace) -> None:
    done = workplace.project.inv("dev.down", "--volumes")
    assert f"removed: {APP}, postgres, redis" in done.stdout
    assert (workplace.project.root / "data" / "trading_system.db").exists()
    assert "nothing runs" in workplace.project.inv("dev.status").stdout
    listed = subprocess.run(["docker", "volume", "ls", "--quiet"], check=True, capture_output=True, text=True).stdout
    assert APP not in listed
