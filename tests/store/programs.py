"""Programs on PATH whose calls the test answers, one after the other, and may turn into an accident.

Each is a few lines of shell: it names itself in the pipe `requests` and carries out the words that come back. That takes
a tenth of what it takes to start an interpreter. `mv`, `rm` and the like are passed on to the real ones, and ask only
while an accident is waiting for its turn.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import stat
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .docker import Answer, Unforeseen

Kind = Literal["killed", "unheard", "failing"]
Answering = Callable[[Sequence[str]], Answer]
PASSED_ON = ("mv", "rm", "mkdir", "ln", "tar", "cp", "sync")
SEPARATOR = "\x1f"
LONGEST_REQUEST = 4000  # a longer one is not written to a pipe at once
ASK = f"""\
IFS='{SEPARATOR}'
mkfifo "{{folder}}/answer.$$"
printf '%s\\n' "$${SEPARATOR}$PPID{SEPARATOR}{{name}}{SEPARATOR}$*" >"{{folder}}/requests"
unset IFS
. "{{folder}}/answer.$$"
"""


@dataclass
class Accident:
    """What befalls the program that is called as the `at`-th, counted from the first whose words have `since` in them: its
    script is killed with all it started, or its reader goes away, or it fails."""

    kind: Kind
    at: int
    since: str = ""
    has_happened: threading.Event = field(default_factory=threading.Event)
    is_reader_gone: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Process:
    """A process of this machine; its number alone would be another one's soon behind its end."""

    number: int
    started: str

    def is_alive(self) -> bool:
        """Whether it runs: the dead whom nobody has buried yet do not."""
        return _started(self.number) == self.started != ""

    def kill(self) -> None:
        """End it at once, if it runs."""
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.number)
            try:
                if self.is_alive():
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
            finally:
                os.close(handle)


@dataclass(frozen=True)
class Sleeper:
    """The process behind a script that waits to stop a release, and its `sleep`; None if it need not wait any more."""

    process: Process
    sleep: Process | None


class Programs:
    """The programs of one host, in `folder`/bin; `problems` are calls that nobody could answer."""

    def __init__(self, folder: Path, docker: Answering, curl: Answering, watch: Callable[[str], None]) -> None:
        self.problems: list[BaseException] = []
        self.sleepers: list[Sleeper] = []
        self._folder = folder
        self._known = {"docker": docker, "curl": curl}
        self._real = {name: shutil.which(name) for name in (*PASSED_ON, "sleep")}
        self._watch = watch
        self._accident: Accident | None = None
        self._calls = 0
        self._is_retiring = False
        (folder / "bin").mkdir(parents=True)
        os.mkfifo(folder / "requests")
        self._requests = os.fdopen(os.open(folder / "requests", os.O_RDWR), "r")
        for name in ("docker", "curl"):
            self._program(name, "")
        for name in PASSED_ON:
            self._program(name, f'[ -e "{folder}/waiting" ] || exec {self._real[name]} "$@"\n')
        self._program("sleep", f'case $1 in 0 | [1-9]??*) ;; *) exec {self._real["sleep"]} "$1" ;; esac\n')
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def await_accident(self, accident: Accident | None) -> None:
        """From now on programs are counted; the one whose turn it is meets with the accident."""
        self._calls, self._is_retiring, self._accident = 0, False, accident
        mark = self._folder / "waiting"
        mark.touch() if accident else mark.unlink(missing_ok=True)

    def wake(self) -> None:
        """The time that retiring releases have left passes; when this ends they have stopped."""
        for sleeper in self.sleepers:
            if sleeper.sleep and sleeper.sleep.is_alive():
                self._reply(sleeper.sleep.number, "exit 0")
        wait_until(lambda: not any(one.process.is_alive() for one in self.sleepers), "retired releases have stopped")
        self.sleepers.clear()

    def await_ended(self) -> None:
        """Those that need not wait have ended when this ends."""
        at_once = [one.process for one in self.sleepers if one.sleep is None]
        wait_until(lambda: not any(one.is_alive() for one in at_once), "what is to stop at once has stopped")

    def close(self) -> None:
        """Nobody is answered any more."""
        self.wake()
        (self._folder / "requests").write_text("end\n")
        self._thread.join(10)
        self._requests.close()

    def _program(self, name: str, first: str) -> None:
        path = self._folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{first}{ASK.format(folder=self._folder, name=name)}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def _serve(self) -> None:
        for line in self._requests:
            if line == "end\n":
                return
            caller, parent, name, *words = line.removesuffix("\n").split(SEPARATOR)
            try:
                assert len(line) < LONGEST_REQUEST, line
                self._answer(int(caller), int(parent), name, [] if words == [""] else words)
            except BaseException as error:  # the test raises it again
                self.problems.append(error)
                self._reply(int(caller), "exit 125")

    def _answer(self, caller: int, parent: int, name: str, words: list[str]) -> None:
        if name == "sleep":
            self._put_to_sleep(caller, parent, words[0])
        elif not self._meets_with_accident(caller, name, words):
            self._reply(caller, self._words(name, words))
        self._watch(f"{name} {' '.join(words)}")

    def _words(self, name: str, words: list[str]) -> str:
        if name in PASSED_ON:
            return f'exec {self._real[name]} "$@"'
        if name not in self._known:
            raise Unforeseen(f"{name} {' '.join(words)}")
        answer = self._known[name](words)
        return f"printf %s {shlex.quote(answer.text)}; exit {answer.code}"

    def _put_to_sleep(self, caller: int, parent: int, seconds: str) -> None:
        self._assert_ours(parent)
        self.sleepers.append(Sleeper(process(parent), None if seconds == "0" else process(caller)))
        if seconds == "0":
            self._reply(caller, "exit 0")

    def _meets_with_accident(self, caller: int, name: str, words: Sequence[str]) -> bool:
        """Whether the call is not to be answered. What goes on behind the script is not counted: its turn is never sure."""
        accident = self._accident
        if accident is None or (self._is_retiring and name not in ("mv", "rm")):
            return False
        self._is_retiring = self._is_retiring or (name == "mv" and words[-1].endswith("/retires"))
        if not self._calls and accident.since not in f"{name} {' '.join(words)}":
            return False
        self._calls += 1
        if self._calls != accident.at:
            return False
        self._watch(f"{accident.kind}: {name} {' '.join(words)}")
        if accident.kind == "killed":
            accident.has_happened.set()
            self._assert_ours(caller)
            for group in {os.getpgid(caller), os.getsid(caller)} - {os.getpgrp()}:
                os.killpg(group, signal.SIGKILL)
            return True
        if accident.kind == "failing":
            accident.has_happened.set()
            self._reply(caller, "exit 1")
            return True
        accident.has_happened.set()
        assert accident.is_reader_gone.wait(20)
        return False

    def _assert_ours(self, number: int) -> None:
        """Nothing is ever killed that does not work for this host: its words name the host's folder."""
        assert str(self._folder.parent).encode() in Path(f"/proc/{number}/cmdline").read_bytes()

    def _reply(self, caller: int, words: str) -> None:
        """The caller opens its pipe as soon as it has asked; it may also have been ended meanwhile."""
        path = self._folder / f"answer.{caller}"
        deadline, asking = time.monotonic() + 20, process(caller)
        while asking.is_alive() and time.monotonic() < deadline:
            try:
                pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # not yet
                time.sleep(0.0005)
                continue
            os.set_blocking(pipe, True)
            with os.fdopen(pipe, "w") as answer:
                answer.write(f"{words}\n")
            break
        path.unlink(missing_ok=True)


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """What another process does comes in its own time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.005)


def process(number: int) -> Process:
    """The process that has this number now."""
    return Process(number, _started(number))


def _started(number: int) -> str:
    """When the process of this number started; empty if there is none, or only its remains."""
    try:
        after_name = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if after_name[0] == "Z" else after_name[19]
