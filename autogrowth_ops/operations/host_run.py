"""Steps of a plan on its hosts: each host's as one script, and how far it came."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..commands import failures
from ..commands import host as words
from ..commands.frames import Block
from ..errors import OpsError
from ..model.event import Event
from ..model.masking import masker
from ..model.plan import Batch, Step
from ..model.release import Release
from ..remote import Remote, on_hosts
from ..scripts import run_script
from ..session import Session
from ..source import chunks


@dataclass(frozen=True)
class Failure:
    """A step that failed: its exit code (None: it never ended), what it printed, and evidence by container."""

    step: Step
    code: int | None
    text: str
    evidence: tuple[Block, ...] = ()
    error: OpsError | None = None

    def __str__(self) -> str:
        return f"{self.step.host}: {self.step.title} failed: {self.reason()}"

    def reason(self) -> str:
        """The one line that says why."""
        return str(self.error) if self.error else failures.reason(self.step.key, self.code, self.text, self.evidence)

    def details(self) -> list[str]:
        """What the step printed at its end, and the evidence of each container."""
        return failures.details(self.step.key, self.text, self.evidence)


@dataclass
class HostRun:
    """How far one host came."""

    given: tuple[Step, ...] = ()
    done: list[Step] = field(default_factory=list)
    current: Step | None = None
    failure: Failure | None = None
    milliseconds: dict[str, int] = field(default_factory=dict)

    def has_begun_final(self) -> bool:
        """Whether something happened that cannot be undone; from then on the way back may be gone."""
        begun = [*self.done, self.current, self.failure and self.failure.step]
        return any(step and step.final for step in begun)

    def has_done(self, key: str) -> bool:
        """Whether the step of that key came to its end."""
        return any(step.key == key for step in self.done)


def run_batch(session: Session, batch: Batch, release: Release, runs: Mapping[str, HostRun]) -> None:
    """Run the steps of a batch on its hosts. A host whose turn comes when another has failed is not begun."""
    hosts = batch.hosts()

    def act(remote: Remote) -> None:
        name = remote.host.name
        if hosts.index(name) < batch.at_once or not any(runs[other].failure for other in hosts):
            _run_steps(session, remote, batch.on(name), release, runs[name])

    on_hosts(tuple(session.remotes[name] for name in hosts), act, at_once=batch.at_once)


def variables(session: Session, release: Release) -> dict[str, str]:
    """Shell variables of a script that changes something."""
    return {**session.engine.variables(), "RELEASE": release.id, "BY": json.dumps(session.who), "LOCK": session.token}


def _run_steps(session: Session, remote: Remote, steps: Sequence[Step], release: Release, run: HostRun) -> None:
    by_key = {step.key: step for step in steps}
    run.given = (*run.given, *steps)
    payload = next((step.payload for step in steps if step.payload), None)

    def heard(frame: tuple[str, ...]) -> None:
        step = by_key.get(frame[1])
        if not step or frame[0] == "evidence":
            return
        if frame[0] == "start":
            run.current = step
            session.watch(Event(step.host, step.title, "started"))
        elif frame[2] == "0":
            run.done.append(step)
            run.current = None
            run.milliseconds[step.key] = int(frame[3])
            session.watch(Event(step.host, step.title, "done", int(frame[3]) / 1000))

    calls = [words.in_step(step.key, step.do) for step in steps]
    stdin = chunks(session.source.pack(payload)) if payload else b""
    try:
        result = run_script(
            remote,
            calls,
            variables(session, release),
            stdin=stdin,
            on_frame=heard,
            timeout_seconds=sum(step.timeout_seconds for step in steps),
        )
    except OpsError as error:
        pending = [step for step in steps if step not in run.done]
        run.failure = Failure(run.current or (pending or steps)[0], None, "", error=error)
        session.watch(Event(remote.host.name, run.failure.step.title, "failed"))
        return
    mask = masker(session.environment.secret_values.values())
    blocks = tuple(replace(block, text=mask(block.text)) for block in result.blocks)
    _tell(session, remote.host.name, blocks)
    if len([step for step in steps if step in run.done]) < len(steps):
        run.failure = _failure(steps, blocks, run)
        session.watch(Event(remote.host.name, run.failure.step.title, "failed"))


def _tell(session: Session, host: str, blocks: Sequence[Block]) -> None:
    """What a person should know of steps that went well: a lock taken over, something that could not be removed."""
    for block in blocks:
        for text in block.text.splitlines() if block.kind == "start" else ():
            if text.startswith("warning: ") or (block.name == "lock" and text.startswith("taken over")):
                session.note(text, host)


def _failure(steps: Sequence[Step], blocks: Sequence[Block], run: HostRun) -> Failure:
    step = next(step for step in steps if step not in run.done)
    code = next((int(block.words[2]) for block in blocks if block.kind == "end" and block.name == step.key), None)
    text = next((block.text for block in blocks if block.kind == "start" and block.name == step.key), "")
    return Failure(step, code, text, tuple(block for block in blocks if block.kind == "evidence"))
