"""A host in a folder of this machine: the real library runs there, on programs that the test answers."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from autogrowth_ops.errors import OpsError
from autogrowth_ops.model.environment import Environment, Host, Proxy, Service, Stack
from autogrowth_ops.model.policies import Policies
from autogrowth_ops.remote.local import LocalRemote
from autogrowth_ops.session import Session
from autogrowth_ops.testing import FakeClock
from tests.fakes import NOON, make_environment, make_session

from .curl import PORTS, PUBLIC, FakeCurl
from .docker import FakeDocker, Mood
from .programs import Accident, Programs, wait_until
from .remotes import CutRemote, UnheardRemote

T = TypeVar("T")
KEEP = 2
STREAMS = 600  # the test says when they have passed
SINGLETON = "clock"
SERVICES = {
    PUBLIC: Service(port=int(PORTS[PUBLIC]), replicas=2, start_timeout_seconds=0),
    SINGLETON: Service(port=int(PORTS[SINGLETON]), singleton=True, start_timeout_seconds=0),
}
BEGUN = ("incoming-*", "stack.next", "passwords.next", "rotation", "*.new", "stack/proxy/*.new")


@dataclass(frozen=True)
class Seen:
    """What is on the host; `records` are states by release, `whole` releases of which every service runs."""

    records: dict[str, str]
    folders: frozenset[str]
    proxied: str
    current: str
    is_locked: bool
    leftovers: frozenset[str]
    retiring: frozenset[str]
    images: frozenset[str]
    containers: frozenset[str]
    running: frozenset[str]
    whole: frozenset[str]

    def good(self) -> list[str]:
        """Releases that can be gone back to, oldest first."""
        return sorted(release for release, state in self.records.items() if state == "good")


class Store:
    """One host, and the sessions of those who deploy to it, a minute after each other."""

    def __init__(self, folder: Path, checkout: Path) -> None:
        self._root = folder / "srv"
        self._checkout = checkout
        self._minutes = 0
        self.base = self._root / "shop" / "production"
        self.docker = FakeDocker()
        self.curl = FakeCurl(self.docker, self.base)
        self.has_served = False
        self.calls: list[str] = []
        self.programs = Programs(folder / "host", self.docker.answer, self.curl.answer, self._watch)
        self.path = folder / "host" / "bin"
        self._root.mkdir()

    def environment(self, colour: str, retry_seconds: int) -> Environment:
        """`colour` makes another release of the same source, `retry_seconds` another stack."""
        return make_environment(
            Host(name="app1", address="local"),
            services=SERVICES,
            root=str(self._root),
            variables={"COLOUR": colour},
            stack=Stack(proxy=Proxy(stream_close_seconds=STREAMS, retry_seconds=retry_seconds)),
            policies=Policies(keep_releases=KEEP, max_clock_skew_seconds=10**9, min_disk_free="1KiB"),
        )

    def operate(
        self,
        environment: Environment,
        act: Callable[[Session], T],
        mood: Mood = "fine",
        accident: Accident | None = None,
    ) -> T | OpsError:
        """What an operation gives, or its error, once all that it started behind it waits or has ended."""
        remotes = {"killed": CutRemote, "unheard": UnheardRemote}
        host = environment.hosts["app1"]
        remote = remotes[accident.kind](host, accident) if accident and accident.kind in remotes else LocalRemote(host)
        self._minutes += 1
        clock = FakeClock(NOON + timedelta(minutes=self._minutes))
        session = make_session(environment, self._checkout, [remote], clock=clock)
        self.docker.mood, self.docker.spared = mood, self.see().proxied
        heard, asleep, began = len(self._audited()), len(self.programs.sleepers), time.time()
        self.calls.clear()
        self.programs.await_accident(accident)
        done = _ended(act, session)
        self.programs.await_accident(None)
        if accident and accident.kind == "killed" and accident.has_happened.is_set():
            self._pass_time_of_dead(began)
        else:
            self._rest(heard, asleep)
        if self.programs.problems:
            raise self.programs.problems[0]
        return done

    def see(self) -> Seen:
        """The host as it is."""
        folders = {path.name for path in self.base.glob("releases/*") if path.is_dir()}
        records = {path.parent.name: json.loads(path.read_text()) for path in self.base.glob("releases/*/release.json")}
        link = self.base / "current"
        begun = {str(path.relative_to(self.base)) for pattern in BEGUN for path in self.base.glob(pattern)}
        every = {one.release for one in self.docker.containers.values() if one.release}
        return Seen(
            records={release: record["state"] for release, record in records.items()},
            folders=frozenset(folders),
            proxied=_read(self.base / "stack/proxy/release"),
            current=link.readlink().name if link.is_symlink() else "",
            is_locked=(self.base / "lock").is_dir(),
            leftovers=frozenset(begun | {f"releases/{name}" for name in folders - records.keys()}),
            retiring=frozenset(path.parent.name for path in self.base.glob("releases/*/retires")),
            images=frozenset(name.rpartition(":")[2] for name in self.docker.images),
            containers=frozenset(every),
            running=frozenset(self.docker.running()),
            whole=frozenset(release for release in every if self._is_whole(release)),
        )

    def age_lock(self, seconds: float) -> None:
        """The lock's last heartbeat was so many seconds ago."""
        then = time.time() - seconds
        for path in (self.base / "lock", self.base / "lock/heartbeat"):
            with suppress(FileNotFoundError):
                os.utime(path, (then, then))

    def pass_time(self) -> None:
        """What retires has had its time."""
        for path in self.base.glob("releases/*/retires"):
            path.write_text("0\n")
        self.programs.wake()

    def lose_retirers(self) -> None:
        """Whoever was to stop replaced releases is gone, as behind a restart of the host, and their time passes."""
        for sleeper in self.programs.sleepers:
            for process in filter(None, (sleeper.process, sleeper.sleep)):
                process.kill()
        self.pass_time()

    def remove_failed(self) -> None:
        """What the person does who is told that an undo failed: containers of a release marked bad are no more."""
        bad = {release for release, state in self.see().records.items() if state == "bad"}
        self.docker.containers = {id_: one for id_, one in self.docker.containers.items() if one.release not in bad}

    def close(self) -> None:
        """Nothing of it runs any more."""
        self.pass_time()
        self.programs.close()

    def _watch(self, call: str) -> None:
        self.calls.append(call)
        status, release = self.curl.through_proxy()
        if self.has_served:
            assert status == "200", f"behind {call!r} the proxy answers {status} for {release!r}"
        single = [one for one in self.docker.containers.values() if one.service == SINGLETON and one.is_running]
        assert len(single) <= 1, f"behind {call!r} a singleton runs twice: {[one.name for one in single]}"

    def _is_whole(self, release: str) -> bool:
        return all(
            len([one for one in self.docker.of_release(release, name) if one.is_running and one.is_well])
            == service.replicas
            for name, service in SERVICES.items()
        )

    def _audited(self) -> list[str]:
        return _read(self.base / "audit.jsonl").splitlines()

    def _rest(self, heard: int, asleep: int) -> None:
        """Wait until each retirer that was started has fallen asleep, or has ended if it had nothing to wait for."""
        steps = [json.loads(line) for line in self._audited()[heard:]]
        ends = [one["outcome"] for one in steps if one["step"] == "retire" or one["step"].startswith("retire-")]
        ordered = ends.count("started") - len([end for end in ends if end.startswith("failed")])
        wait_until(lambda: len(self.programs.sleepers) - asleep >= ordered, f"{ordered} retirers wait")
        self.programs.await_ended()

    def _pass_time_of_dead(self, began: float) -> None:
        """Whoever was killed while it retired a release stops it no more; the next deploy has to see that."""
        for path in self.base.glob("releases/*/retires"):
            if path.stat().st_mtime >= began - 0.01:
                path.write_text("0\n")


def _ended(act: Callable[[Session], T], session: Session) -> T | OpsError:
    try:
        return act(session)
    except OpsError as error:
        return error


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
