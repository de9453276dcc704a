"""The releases on a host behind deploys and rollbacks that end well, fail, or are cut off, in any order.

A few examples, always the same ones, belong to every run. Many, and others each time:

    pytest tests/store --hypothesis-profile=long
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from autogrowth_ops.errors import LockHeld, OpsError, RolloutFailed, UndoFailed, UsageError
from autogrowth_ops.operations.deploy import deploy
from autogrowth_ops.operations.outcome import Outcome
from autogrowth_ops.operations.rollback import rollback
from autogrowth_ops.session import Session
from tests.conftest import commit, tagged

from .docker import Mood
from .programs import Accident, Kind
from .store import KEEP, Seen, Store

VERSIONS = ("one", "two", "three")
COLOURS = ("", "blue")
WHAT = st.tuples(st.sampled_from(VERSIONS), st.sampled_from(COLOURS))
BACK = st.none() | st.integers(0, 3)
BEGINNING, START, SWITCH, RECORD = "", "docker start", "proxy/port", "/release.json"
SINCE = st.sampled_from([BEGINNING, START, SWITCH, SWITCH, RECORD])
TURNS = st.tuples(st.integers(1, 7) | st.integers(1, 20), SINCE)
BAD = st.sampled_from(["crash", "sick", "unbuildable"])
MOODS = st.sampled_from(["fine", "fine", "fine", "crash"])
ABANDONED_SECONDS = 60


class Releases(RuleBasedStateMachine):
    """Operations on one host, and what has to be true of it behind each.

    No rule has a precondition: who is killed at its very end leaves now this, now that, and Hypothesis wants the same choice
    of rules behind the same steps."""

    def __init__(self, store: Store, tell: Callable[[str], None] = note) -> None:
        super().__init__()
        self.store = store
        self.tell = tell
        self.seen = store.see()
        self.has_ended_well = False
        self.retry_seconds = 5

    @initialize(many=st.sampled_from([0, 2, 2]))
    def has_releases(self, many: int) -> None:
        for version in VERSIONS[:many]:
            self.deploys((version, ""))

    @rule(what=WHAT)
    def deploys(self, what: tuple[str, str]) -> None:
        done = self._deploy(what)
        assert isinstance(done, Outcome), done
        self._holds_behind_success(done)

    @rule(what=WHAT, mood=BAD)
    def deploys_what_fails(self, what: tuple[str, str], mood: Mood) -> None:
        self._holds_behind_end(self._deploy(what, mood))

    @rule(what=WHAT, mood=MOODS, turn=TURNS)
    def is_killed_while_it_deploys(self, what: tuple[str, str], mood: Mood, turn: tuple[int, str]) -> None:
        accident = Accident("killed", *turn)
        self._holds_behind_accident(self._deploy(what, mood, accident), accident)

    @rule(what=WHAT, mood=MOODS, turn=TURNS, kind=st.sampled_from(["unheard", "failing"]))
    def deploys_with_accident(self, what: tuple[str, str], mood: Mood, turn: tuple[int, str], kind: Kind) -> None:
        accident = Accident(kind, *turn)
        self._holds_behind_accident(self._deploy(what, mood, accident), accident)

    @rule(back=BACK, mood=MOODS)
    def rolls_back(self, back: int | None, mood: Mood) -> None:
        self._holds_behind_end(self._roll_back(back, mood))

    @rule(back=BACK, mood=MOODS, turn=TURNS, kind=st.sampled_from(["killed", "unheard", "failing"]))
    def rolls_back_with_accident(self, back: int | None, mood: Mood, turn: tuple[int, str], kind: Kind) -> None:
        accident = Accident(kind, *turn)
        self._holds_behind_accident(self._roll_back(back, mood, accident), accident)

    @rule()
    def is_refused_by_a_fresh_lock(self) -> None:
        if not self.seen.is_locked:
            return
        self.store.age_lock(0)
        assert isinstance(self._operate(lambda session: deploy(session, "one"), ""), LockHeld)
        assert self.seen == self.before

    @rule(seconds=st.sampled_from([5, 6]))
    def changes_the_stack(self, seconds: int) -> None:
        self.retry_seconds = seconds

    @rule()
    def time_passes(self) -> None:
        self.store.pass_time()
        self.seen = self.store.see()
        if self.has_ended_well:
            assert not self.seen.retiring
            assert self.seen.running == {self.seen.proxied}

    @rule()
    def the_host_forgets_what_retires(self) -> None:
        self.store.lose_retirers()
        self.seen, self.has_ended_well = self.store.see(), False

    @invariant()
    def what_the_proxy_points_to_is_there(self) -> None:
        seen = self.seen
        if self.store.has_served:
            assert self.store.curl.through_proxy() == ("200", seen.proxied)
        if seen.proxied:
            assert self._is_kept(seen.proxied)
            assert seen.proxied in seen.records

    @invariant()
    def current_names_a_release(self) -> None:
        if self.store.has_served:
            assert self.seen.current in self.seen.records

    @invariant()
    def a_release_to_go_back_to_is_whole(self) -> None:
        assert [release for release in self.seen.good() if not self._is_kept(release)] == []

    def teardown(self) -> None:
        self.store.close()

    def _deploy(
        self, what: tuple[str, str], mood: Mood = "fine", accident: Accident | None = None
    ) -> Outcome | OpsError:
        version, colour = what
        self.store.age_lock(ABANDONED_SECONDS)
        return self._operate(lambda session: deploy(session, version), colour, mood, accident)

    def _roll_back(self, back: int | None, mood: Mood, accident: Accident | None = None) -> Outcome | OpsError:
        """To the release before, or to one of those that are good."""
        self.store.age_lock(ABANDONED_SECONDS)
        good = self.seen.good()
        to = good[back % len(good)] if good and back is not None else ""
        return self._operate(lambda session: rollback(session, to), "", mood, accident)

    def _operate(
        self,
        act: Callable[[Session], Outcome],
        colour: str,
        mood: Mood = "fine",
        accident: Accident | None = None,
    ) -> Outcome | OpsError:
        """Do it, and look at the host behind it; `before` is how it was."""
        self.before = self.seen
        done = self.store.operate(self.store.environment(colour, self.retry_seconds), act, mood, accident)
        self.seen, self.has_ended_well = self.store.see(), isinstance(done, Outcome)
        self.tell(f"{done}\n  " + "\n  ".join(self.store.calls))
        return done

    def _holds_behind_accident(self, done: Outcome | OpsError, accident: Accident) -> None:
        """Who was cut off may leave anything that the next one takes away; but not more than that."""
        if not accident.has_happened.is_set():
            self._holds_behind_end(done)
            return
        self.has_ended_well = False
        if accident.kind == "unheard":
            assert not self.seen.is_locked
        if accident.kind == "failing" and isinstance(done, Outcome):
            assert not self.seen.is_locked
            self._serves(done)
        if accident.kind == "failing" and _is_undone(done):
            self._holds_behind_failure(self.before)
        elif isinstance(done, UndoFailed):
            self.store.remove_failed()
            self.seen = self.store.see()

    def _holds_behind_end(self, done: Outcome | OpsError) -> None:
        if isinstance(done, Outcome):
            self._holds_behind_success(done)
        elif isinstance(done, UsageError):
            assert self.seen == self.before
            assert min(self.seen.good(), default=self.seen.proxied) >= self.seen.proxied
        else:
            assert _is_undone(done), done
            assert not self.seen.is_locked
            self._holds_behind_failure(self.before)

    def _holds_behind_success(self, done: Outcome) -> None:
        seen = self.seen
        self._serves(done)
        self.store.has_served = True
        assert not seen.is_locked
        assert not seen.leftovers
        assert set(seen.records.values()) <= {"good", "bad"}
        good = set(seen.good())
        assert seen.images <= good
        assert seen.containers <= good
        assert seen.running <= seen.retiring | {seen.proxied}
        assert len(good - {seen.proxied}) <= KEEP
        assert len(seen.records) - len(good) <= KEEP

    def _serves(self, done: Outcome) -> None:
        seen = self.seen
        assert seen.proxied == seen.current == done.release.id
        assert seen.records[seen.proxied] == "good"
        assert seen.proxied in seen.whole
        assert seen.proxied not in seen.retiring

    def _holds_behind_failure(self, before: Seen) -> None:
        """All is as it was, but for the record of what failed."""
        seen = self.seen
        assert (seen.proxied, seen.current) == (before.proxied, before.current)
        assert seen.is_locked <= before.is_locked  # one that nobody has any more may be there until it is taken over
        assert seen.leftovers <= before.leftovers
        assert seen.images == before.images
        assert seen.containers <= before.containers | set(before.good())
        assert seen.running <= before.running
        assert before.whole & {seen.proxied} <= seen.whole
        assert seen.good() == before.good()
        assert {one for one, state in seen.records.items() if state == "started"} <= before.records.keys()

    def _is_kept(self, release: str) -> bool:
        folder = self.store.base / "releases" / release
        files = all((folder / name).is_file() for name in ("compose.yml", "app.env", "release.json"))
        return files and release in self.seen.images


def _is_undone(done: Outcome | OpsError) -> bool:
    """A rollback that was undone needs a person, because neither release can be trusted."""
    cause = done.__cause__ if isinstance(done, UndoFailed) else done
    return isinstance(cause, RolloutFailed) and not isinstance(cause, UndoFailed)


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """A checkout with a few versions of an application."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for version in VERSIONS:
        (folder / "main.py").write_text(f"# {version}\n")
        commit(folder, version)
        tagged(folder, version)
    return folder


@pytest.fixture
def make_store(tmp_path: Path, versions: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Store]:
    """Hosts with nothing on them; the programs of the newest are on PATH."""
    path = os.environ["PATH"]
    plugins = tmp_path / "home/.docker/cli-plugins"
    plugins.mkdir(parents=True)
    for name in ("docker-compose", "docker-buildx"):
        (plugins / name).touch(mode=0o755)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    numbers = itertools.count(1)

    def make() -> Store:
        folder = tmp_path / str(next(numbers))
        store = Store(folder, versions)
        monkeypatch.setenv("PATH", f"{store.path}:{path}")
        return store

    return make


def test_a_host_serves_and_comes_clean_in_whatever_order_operations_end(make_store: Callable[[], Store]):
    few = settings(max_examples=5, stateful_step_count=8, suppress_health_check=list(HealthCheck))
    many = settings(stateful_step_count=15, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(lambda: Releases(make_store()), settings=few if settings.default.derandomize else many)


@pytest.mark.parametrize(
    ("kind", "mood", "turn"),
    [
        ("failing", "fine", (2, SWITCH)),
        ("failing", "fine", (4, SWITCH)),
        ("failing", "fine", (5, SWITCH)),
        ("failing", "crash", (12, START)),
        ("failing", "fine", (6, RECORD)),
        ("killed", "fine", (7, RECORD)),
        ("killed", "fine", (8, RECORD)),
    ],
)
def test_where_it_is_most_delicate_an_accident_is_always_tried(
    make_store: Callable[[], Store], kind: Kind, mood: Mood, turn: tuple[int, str]
):
    releases = Releases(make_store(), print)
    releases.has_releases(many=2)
    releases.deploys_with_accident(what=("one", "blue"), mood=mood, turn=turn, kind=kind)
    releases.what_the_proxy_points_to_is_there()
    releases.a_release_to_go_back_to_is_whole()
    releases.deploys(what=("two", "blue"))
    releases.time_passes()
    releases.teardown()
