"""Doors that open nowhere, for tests: same shape as the real ones, and they refuse what was not foreseen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from autogrowth_ops.model.environment import Host
from autogrowth_ops.remote import Outcome

BEGINNING = datetime(2025, 3, 2, 10, 11, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Run:
    """A script that a FakeRemote was given."""

    script: str
    stdin: bytes
    timeout_seconds: float


class FakeRemote:
    """A Remote that knows its answers beforehand and keeps what it was given in `runs`."""

    def __init__(self, name: str, host: Host | None = None) -> None:
        self.host = host or Host(name=name, address=f"{name}.example.com")
        self.trips = 0
        self.runs: list[Run] = []
        self.is_open = False
        self._answers: dict[str, list[Outcome | BaseException]] = {}

    def answers(self, script_part: str, stdout: str = "", exit_code: int = 0, stderr: str = "") -> FakeRemote:
        """Answer so to scripts that contain `script_part`; of several that fit, the longest part counts.

        Said again for the same part, it is the answer to the next such script; the last one stays."""
        return self._expect(script_part, Outcome(exit_code, stdout, stderr))

    def breaks(self, script_part: str, error: BaseException) -> FakeRemote:
        """Raise `error` at scripts that contain `script_part`; counts among its answers."""
        return self._expect(script_part, error)

    def open(self, *, wait: bool = True) -> None:  # noqa: ARG002 - a fake never makes one wait
        """Be open."""
        self.is_open = True

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        timeout_seconds: float,
        on_line: Callable[[str], None] | None = None,
        silent_seconds: float | None = None,  # noqa: ARG002
    ) -> Outcome:
        """The answer foreseen for `script`. Raise AssertionError if there is none."""
        self.trips += 1
        self.runs.append(Run(script, stdin if isinstance(stdin, bytes) else b"".join(stdin), timeout_seconds))
        outcome = self._next(script)
        if on_line:
            for line in outcome.stdout.splitlines():
                on_line(line)
        return outcome

    def interact(self, command: str) -> int:
        """The exit code foreseen for `command`."""
        self.runs.append(Run(command, b"", 0))
        return self._next(command).exit_code

    def interrupt(self) -> None:
        """Nothing: what it runs has ended already."""

    def close(self) -> None:
        """Be closed."""
        self.is_open = False

    @property
    def scripts(self) -> list[str]:
        """The scripts it was given, in order."""
        return [run.script for run in self.runs]

    def _expect(self, script_part: str, answer: Outcome | BaseException) -> FakeRemote:
        self._answers.setdefault(script_part, []).append(answer)
        return self

    def _next(self, script: str) -> Outcome:
        fitting = [part for part in self._answers if part in script]
        if not fitting:
            raise AssertionError(f"{self.host.name}: unforeseen script:\n{script}\nforeseen: {list(self._answers)}")
        answers = self._answers[max(fitting, key=len)]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


class FakeClock:
    """A Clock that passes only when somebody sleeps; `sleeps` keeps how long."""

    def __init__(self, beginning: datetime = BEGINNING) -> None:
        self.sleeps: list[float] = []
        self._beginning = beginning

    def now(self) -> datetime:
        """The beginning, and what was slept since; aware, in UTC."""
        return self._beginning + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Seconds slept since the beginning."""
        return sum(self.sleeps)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self.sleeps.append(seconds)
