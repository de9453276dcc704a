from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from autogrowth_ops.commands.shell import library, quoted, script
from tests.fakes import commands

words = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=8)


def run(text: str) -> str:
    outcome = subprocess.run(["sh"], input=text.encode(), capture_output=True, check=True)
    return outcome.stdout.decode()


@settings(max_examples=25)
@given(words)
def test_any_words_arrive_unchanged_behind_a_real_shell(some: list[str]):
    text = script([("printf", "%s\\0", *some)], {"MARK": "@"})
    assert run(text).split("\0")[:-1] == some


@settings(max_examples=25)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_variable_arrives_unchanged_behind_a_real_shell(value: str):
    text = script([("eval", 'printf %s "$BASE"')], {"BASE": value, "MARK": "@"})
    assert run(text) == value


def test_a_tricky_word_is_quoted():
    assert quoted(("echo", "it's $HOME; rm -rf /", "")) == """echo 'it'"'"'s $HOME; rm -rf /' ''"""


def test_the_library_has_no_comments():
    assert not [line for line in library().splitlines() if line.lstrip().startswith("#")]


def test_a_script_is_variables_then_functions_then_calls():
    before, after = script([("observe",), ("step", "a b", "x")], {"BASE": "/srv/a b"}).split(library())
    assert (before, after) == ("BASE='/srv/a b'\n", "\nobserve\nstep 'a b' x\n")


@given(st.lists(words.map(tuple), max_size=4))
def test_calls_are_read_back_from_a_script(calls: list[tuple[str, ...]]):
    assert commands("\n".join(map(quoted, calls))) == tuple(calls)
