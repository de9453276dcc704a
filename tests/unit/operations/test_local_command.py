from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from autogrowth_ops.operations.local_command import Ended, Limit, run_here

PLENTY = Limit(60, "the/limit", "the/words")
LEAVES_A_CHILD = "sh -c 'echo $$; exec sleep 60' & echo $! >child; wait"


def is_running(process: int) -> bool:
    """A process that is dead and not yet buried does not run."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ended(process: int) -> bool:
    for _ in range(1000):
        if not is_running(process):
            return True
        time.sleep(0.01)
    return False


def test_a_command_runs_in_the_folder_with_variables_and_input(tmp_path: Path):
    script = 'test "$PWD" = "$0" && test "$WHO" = "kim 한글" && test "$(cat)" = "said 한글"'
    words = ("sh", "-c", script, str(tmp_path))
    assert run_here(words, tmp_path, PLENTY, variables={"WHO": "kim 한글"}, stdin="said 한글") == Ended("")


def test_a_program_of_the_project_is_found_from_its_folder(tmp_path: Path):
    (tmp_path / "tell").write_text("#!/bin/sh\necho told\n")
    (tmp_path / "tell").chmod(0o755)
    assert run_here(("./tell",), tmp_path, PLENTY) == Ended("", ("told",))


def test_only_the_last_lines_are_kept(tmp_path: Path):
    found = run_here(("sh", "-c", "seq 60; echo wrong >&2; exit 3"), tmp_path, PLENTY)
    assert (found.problem, found.lines[0], found.lines[-1]) == ("exit code 3", "12", "wrong")


def test_a_command_that_reads_nothing_of_much_input_is_no_problem(tmp_path: Path):
    assert run_here(("true",), tmp_path, PLENTY, stdin="x" * 1_000_000) == Ended("")


def test_what_a_command_leaves_running_holds_nobody_up(tmp_path: Path):
    found = run_here(("sh", "-c", "sleep 60 & echo $!"), tmp_path, PLENTY)
    os.kill(int(found.lines[0]), signal.SIGKILL)
    assert found.problem == ""


@pytest.mark.parametrize("trap", ["", "trap '' TERM; "])
def test_at_its_limit_a_command_is_ended_with_all_it_started(tmp_path: Path, trap: str):
    found = run_here(("sh", "-c", trap + LEAVES_A_CHILD), tmp_path, Limit(1, "the/limit", "the/words"))
    assert found.problem == "not done within 1 s (the/limit)"
    assert ended(int((tmp_path / "child").read_text()))


def test_an_interruption_ends_the_command_too(tmp_path: Path):
    def interrupt() -> None:
        while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run_here(("sh", "-c", LEAVES_A_CHILD), tmp_path, PLENTY)
    assert ended(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize(("mode", "why"), [(0o644, "permission denied"), (None, "not found")])
def test_what_cannot_be_run_names_its_key(tmp_path: Path, mode: int | None, why: str):
    if mode:
        (tmp_path / "tell").write_text("#!/bin/sh\n")
        (tmp_path / "tell").chmod(mode)
    assert run_here(("./tell",), tmp_path, PLENTY).problem == f"./tell: {why}; the/words names it"
