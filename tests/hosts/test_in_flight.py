"""What is under way while a release is replaced: slow requests, streams, kept connections, jobs, the scheduler; and the
replaced release itself, which stays for them."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
import websockets.sync.client as websockets
from websockets.exceptions import ConnectionClosed

from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost

from .choosing import thorough
from .load import load
from .project import ONE_REPLICA, Project
from .test_faults import BASE, change_code, left_over

SLOW_SECONDS = 20
JOBS = 30
WORKING = """\
      replicas: 1
    worker: {command: [python, main.py, worker], replicas: 2}
    scheduler: {command: [python, main.py, scheduler], singleton: true}
"""


def deploy(project: Project) -> str:
    return str(project.json("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")["release"])


@pytest.fixture
def edited(project: Project) -> Iterator[Callable[[str, str], None]]:
    """Change text in the sandbox's configuration; it is as it was behind the test."""
    yml = project.root / "env" / "sandbox.yml"
    before = yml.read_text()

    def edit(old: str, new: str) -> None:
        assert old in yml.read_text()
        yml.write_text(yml.read_text().replace(old, new))

    yield edit
    yml.write_text(before)
    deploy(project)


class SlowRequests:
    """A request that takes long, on a connection of its own."""

    def __init__(self, port: int) -> None:
        self.answers: list[tuple[int, str]] = []
        self._port = port
        self._threads = [threading.Thread(target=self._ask) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            connection.request("GET", f"/slow?seconds={SLOW_SECONDS}")
            answer = connection.getresponse()
            self.answers.append((answer.status, json.loads(answer.read())["release"]))

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(90)


class Stream:
    """A client that listens, and comes back when it is told to go: releases it met and the codes it was closed with."""

    def __init__(self, port: int) -> None:
        self.releases: list[str] = []
        self.codes: list[int] = []
        self.opened = threading.Event()
        self.ended = threading.Event()
        self._url = f"ws://127.0.0.1:{port}/stream"
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        assert self.opened.wait(30)

    def _listen(self) -> None:
        while not self.ended.is_set():
            with websockets.connect(self._url) as connection:
                self.releases.append(json.loads(connection.recv(timeout=30))["release"])
                self.opened.set()
                self._until_closed(connection)

    def _until_closed(self, connection: websockets.ClientConnection) -> None:
        while not self.ended.is_set():
            try:
                connection.recv(timeout=0.2)
            except TimeoutError:
                continue
            except ConnectionClosed as closed:
                self.codes.append(closed.rcvd.code if closed.rcvd else 0)
                return

    def close(self) -> None:
        self.ended.set()
        self._thread.join(60)


class KeptConnection:
    """A client that asks again and again on one connection; it never opens a second one."""

    def __init__(self, port: int) -> None:
        self.releases: list[str] = []
        self.failures: list[str] = []
        self._ended = threading.Event()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._connection.connect()
        self._connection.auto_open = 0
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        while not self._ended.wait(0.05):
            try:
                self._connection.request("GET", "/version")
                answer = self._connection.getresponse()
                self.releases.append(json.loads(answer.read())["release"])
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.failures.append(repr(error))
                return

    def close(self) -> None:
        self._ended.set()
        self._thread.join(60)
        self._connection.close()


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "did not come true"
        time.sleep(0.2)


def test_what_is_in_flight_is_finished(project: Project, host: SandboxHost, remote: FabricRemote) -> None:
    old = deploy(project)
    kept, stream, slow = KeptConnection(host.http_port), Stream(host.http_port), SlowRequests(host.http_port)
    change_code(project)
    with load(host.http_port) as report:
        new = deploy(project)
        until(lambda: len(stream.releases) == 2)
        back = project.json("rollback", "--env=sandbox", "--wait=60s")["release"]
        until(lambda: len(stream.releases) == 3)
        slow.wait()
    kept.close(), stream.close()
    assert back == old
    assert slow.answers == [(200, old)] * 4
    assert (stream.releases, stream.codes) == ([old, new, old], [1001, 1001])
    assert kept.failures == []
    assert list(dict.fromkeys(kept.releases)) == [old, new]
    assert kept.releases[-1] == old
    assert report.failures == []
    assert left_over(remote) == []


def in_application(project: Project, statement: str) -> str:
    """What a statement prints in a container of the application; `r` is its Redis."""
    words = f"import os, redis; r = redis.Redis.from_url(os.environ['REDIS_URL'], decode_responses=True); {statement}"
    return project.inv("exec", "--env=sandbox", "--service=web", "--", "python", "-c", words).stdout.strip()


def counted(project: Project, name: str) -> int:
    return int(in_application(project, f"print(r.get('{name}') or 0)"))


@contextmanager
def schedulers(remote: FabricRemote) -> Iterator[list[int]]:
    """How many schedulers ran, seen five times a second meanwhile."""
    seen: list[int] = []
    ended = threading.Event()
    look = "docker ps --quiet --filter label=com.docker.compose.service=scheduler | wc -l"

    def watch() -> None:
        while not ended.wait(0.2):
            seen.append(int(remote.run(look, timeout_seconds=30).stdout))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        ended.set()
        watching.join(60)


def test_jobs_are_not_cut_and_there_are_never_two_schedulers(
    project: Project, host: SandboxHost, remote: FabricRemote, edited: Callable[[str, str], None]
) -> None:
    edited(ONE_REPLICA, WORKING)
    deploy(project)
    in_application(project, "r.delete('scheduler:overlaps', 'jobs:done', 'jobs:cut', 'jobs:bad')")
    in_application(project, f"[r.rpush('jobs', '{{\"id\": %d, \"seconds\": 1.5}}' % n) for n in range({JOBS})]")
    change_code(project)
    with schedulers(remote) as seen, load(host.http_port) as report:
        deploy(project)
        project.inv("rollback", "--env=sandbox", "--wait=60s")
    until(lambda: counted(project, "jobs:done") == JOBS, 120)
    assert (counted(project, "jobs:cut"), counted(project, "jobs:bad")) == (0, 0)
    assert counted(project, "scheduler:overlaps") == 0
    assert (min(seen), max(seen)) in {(0, 1), (1, 1)}
    assert report.failures == []


def web_containers(remote: FabricRemote, release: str) -> str:
    look = (
        f"docker ps --quiet --filter label=autogrowth.release={release} --filter label=com.docker.compose.service=web"
    )
    return remote.run(
        f"docker inspect --format '{{{{.Id}}}} {{{{.State.StartedAt}}}}' $({look}) | sort", timeout_seconds=30
    ).stdout


def test_a_warm_release_is_only_switched_to(
    project: Project, host: SandboxHost, remote: FabricRemote, edited: Callable[[str, str], None]
) -> None:
    edited("hosts:\n", "policies: {warm_minutes: 10}\n\nhosts:\n")
    edited(ONE_REPLICA, WORKING)
    old = deploy(project)
    before = web_containers(remote, old)
    change_code(project)
    new = deploy(project)
    with load(host.http_port) as report:
        outcome = project.json("rollback", "--env=sandbox")
    assert (outcome["release"], outcome["was"]) == (old, new)
    assert outcome["trips"]["sandbox1"] == 2  # type: ignore[index]
    assert web_containers(remote, old) == before
    assert report.failures == []
    assert report.orders() == [new, old]
    running = remote.run("docker ps --format '{{.Names}}' --filter label=autogrowth.release", timeout_seconds=30).stdout
    assert [name for name in running.split() if "scheduler" in name or "worker" in name] != []
    until(lambda: not remote.run(f"docker ps -q --filter label=autogrowth.release={new} --filter name=worker", timeout_seconds=30).stdout)  # fmt: skip
    assert f"{new}" in project.inv("status", "--env=sandbox").stdout


@thorough
def test_what_nobody_stopped_in_time_is_stopped_by_the_next_deploy(
    project: Project, host: SandboxHost, remote: FabricRemote
) -> None:
    old = deploy(project)
    change_code(project)
    deploy(project)
    until(lambda: not web_containers(remote, old))
    remote.run(
        f"docker start $(docker ps --all --quiet --filter label=autogrowth.release={old}); echo 1 >{BASE}/releases/{old}/retires",
        timeout_seconds=60,
    )
    deploy(project)
    until(lambda: not web_containers(remote, old))
    assert left_over(remote) == []


@thorough
def test_a_release_is_not_stopped_behind_the_back_of_a_rollback(
    project: Project, host: SandboxHost, remote: FabricRemote
) -> None:
    """The time of the older one comes just when it is wanted again: it serves, whoever was first."""
    for _ in range(3):
        old = deploy(project)
        change_code(project)
        deploy(project)
        with load(host.http_port) as report:
            assert project.json("rollback", "--env=sandbox")["release"] == old
            time.sleep(2)
        assert report.failures == []
        assert web_containers(remote, old).count("\n") == 1
        subprocess.run(["git", "checkout", "--quiet", "."], cwd=project.root, check=True)
