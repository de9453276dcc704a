"""A plan: ordered steps as data, read alike by the runner, the dry run, the progress display and the audit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

Command = tuple[str, ...]


@dataclass(frozen=True)
class RenderedFile:
    """One file for a host: `path` relative to where it goes, `mode` such as 0o640.

    Its text may hold secrets: it stays out of `repr`."""

    path: str
    text: str = field(repr=False)
    mode: int = 0o640


@dataclass(frozen=True)
class SourceChange:
    """The source to send: all of `tree`, or what differs from `base`, the tree the host already has."""

    tree: str
    base: str = ""


@dataclass(frozen=True)
class Payload:
    """What travels with a step on its standard input."""

    files: tuple[RenderedFile, ...] = ()
    source: SourceChange | None = None


@dataclass(frozen=True)
class Step:
    """One thing done on one host.

    `undo` restores what was before, None if there is nothing to restore; it also clears up behind the step's failure,
    and does nothing where the step did not begin. `final` cannot be undone and stands behind all others;
    `timeout_seconds` bounds it."""

    host: str
    key: str
    title: str
    do: Command
    undo: Command | None = None
    final: bool = False
    payload: Payload | None = None
    timeout_seconds: int = 60


@dataclass(frozen=True)
class Batch:
    """Steps that go together: in order on each host, hosts at the same time, at most `at_once`."""

    title: str
    steps: tuple[Step, ...]
    at_once: int = 1

    def hosts(self) -> tuple[str, ...]:
        """Host names in the order they first appear."""
        return tuple(dict.fromkeys(step.host for step in self.steps))

    def on(self, host: str) -> tuple[Step, ...]:
        """The steps of one host, in order."""
        return tuple(step for step in self.steps if step.host == host)


@dataclass(frozen=True)
class Plan:
    """Batches in order; each is finished on all its hosts before the next begins."""

    batches: tuple[Batch, ...] = ()

    def steps(self) -> tuple[Step, ...]:
        """Every step, in order."""
        return tuple(step for batch in self.batches for step in batch.steps)

    def coalesced(self) -> Plan:
        """The same steps in as few batches as their order allows: neighbours on one and the same host become one
        script, and so one round trip. Nothing is merged that carries a payload behind the first step of a script."""
        merged: list[Batch] = []
        for batch in (one for one in self.batches if one.steps):
            if merged and _can_join(merged[-1], batch):
                merged[-1] = replace(merged[-1], steps=merged[-1].steps + batch.steps)
            else:
                merged.append(batch)
        return Plan(tuple(merged))


def _can_join(first: Batch, second: Batch) -> bool:
    one_host = len(first.hosts()) == 1 and first.hosts() == second.hosts()
    payloads = [step for step in first.steps + second.steps if step.payload]
    return one_host and len(payloads) <= 1


def undo_steps(done: Iterable[Step]) -> tuple[Step, ...]:
    """Steps that take back `done`, newest first."""
    return tuple(
        Step(
            host=step.host,
            key=f"undo-{step.key}",
            title=f"undo: {step.title}",
            do=step.undo,
            timeout_seconds=step.timeout_seconds,
        )
        for step in reversed(tuple(done))
        if step.undo
    )
