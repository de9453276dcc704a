from __future__ import annotations

import pytest

from autogrowth_ops.commands.failures import details, reason
from autogrowth_ops.commands.frames import Block
from autogrowth_ops.commands.shell import CRASHED, NOT_HEALTHY


def block(name: str, text: str) -> Block:
    return Block(("evidence", name), text)


def test_health_answers_are_cut():
    said = reason("ready", NOT_HEALTHY, "", [block("web-1", f"last health answer: 503 {'x' * 200}\nlog")])
    assert said == f"web-1: last health answer: 503 {'x' * 113}..."


def test_the_same_answer_of_several_replicas_is_said_once():
    answers = [block(f"web-{number}", f'last health answer: 503 {{"ms":0.{number}}}') for number in (2, 1)]
    other = block("web-3", "last health answer: none")
    said = reason("ready", NOT_HEALTHY, "", [*answers, other])
    assert said == 'web-1, web-2: last health answer: 503 {"ms":0.2}; web-3: last health answer: none'


def test_answers_of_different_status_are_told_apart():
    answers = [block("web-1", "last health answer: 503 x"), block("web-2", "last health answer: 502 x")]
    assert reason("ready", NOT_HEALTHY, "", answers).count("last health answer") == 2


CRASHES = "web-1 ended with exit code 1\nweb-2 ended with exit code 1\n"


def test_the_same_crash_of_several_replicas_is_said_once():
    evidence = [block(name, "last health answer: none\nKeyError: 'TOKEN'\n") for name in ("web-1", "web-2")]
    assert reason("ready", CRASHED, CRASHES, evidence) == "web-1, web-2 ended with exit code 1: KeyError: 'TOKEN'"


def test_a_crash_of_an_unknown_name_is_told_by_its_first_line():
    said = reason("ready", CRASHED, "no container was started", [block("web-9", "one\ntwo")])
    assert said == "no container was started: two"


@pytest.mark.parametrize(
    ("step", "text", "expected"),
    [
        ("start", "", "exit code 9"),
        ("start", "one\n two \n\n", "two"),
        ("build", "------\n > [1/2] RUN x:\n0.5 ERROR: none\n------\n", "ERROR: none"),
        (
            "stack",
            '{"level":"info","msg":"using config"}\n{"level":"error","ts":1.5,"msg":"adapting: no such, at x:17"}\nlast',
            "templates/Caddyfile.j2: adapting: no such, at x:17",
        ),
        (
            "start",
            "Error response from daemon: network x not found\nError: failed to start containers: 3f2\n9c1\n",
            "network x not found",
        ),
        ("stack", '{"level":"error","cut', '{"level":"error","cut'),
    ],
)
def test_a_step_says_why(step: str, text: str, expected: str):
    assert reason(step, 9, text) == expected


def test_a_build_shows_its_failing_instruction_only():
    text = "#5 [2/5] progress\n#6 more\n------\n > [5/5] RUN pip:\n0.5 ERROR: none\n------\nDockerfile:9\n"
    assert details("build", text) == [" > [5/5] RUN pip:", "0.5 ERROR: none", "------", "Dockerfile:9"]


def test_a_build_without_failing_instruction_shows_its_last_lines():
    assert details("build", "\n".join(map(str, range(60))))[0] == "10"


def test_evidence_stands_below_what_the_step_printed():
    assert details("ready", "ended", [block("web-1", "a\nb")]) == ["ended", "--- web-1", "a", "b"]


@pytest.mark.parametrize(
    ("step", "said", "expected"),
    [
        (
            "receive",
            "tar: a.bin: Wrote only 512 of 10240 bytes\ntar: b: Cannot write: No space left on device\n"
            "tar: Exiting with failure status due to previous errors\n",
            "tar: a.bin: Wrote only 512 of 10240 bytes: No space left on device",
        ),
        (
            "build",
            "#9 0.129 dd: error writing '/tmp/x': No space left on device\n#9 0.129 64+0 records out\n------\n > RUN dd\n"
            "0.129 dd: error writing '/tmp/x': No space left on device\n0.130 64+0 records out\n------\n",
            "dd: error writing '/tmp/x': No space left on device",
        ),
    ],
)
def test_a_full_disk_is_the_reason_whatever_is_said_behind_it(step: str, said: str, expected: str):
    assert reason(step, 2, said) == expected
