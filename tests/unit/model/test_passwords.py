from __future__ import annotations

import pytest

from autogrowth_ops.model.environment import Environment, Postgres, Redis, Stack
from autogrowth_ops.model.rules import problems
from autogrowth_ops.model.secret import Secret
from tests.fakes import make_environment


def with_password(value: str) -> Environment:
    stack = Stack(postgres=Postgres(database="d", user="u", password_secret="P"), redis=Redis(password_secret="P"))
    return make_environment(stack=stack, secrets=("P",), secret_values={"P": Secret(value)})


@pytest.mark.parametrize("value", ["two\nlines", "end\n", "old\rmac", "end\r"])
def test_a_line_break_in_the_password_of_postgres_is_refused(value: str):
    (problem,) = problems(with_password(value))
    assert problem.keys == ("stack", "postgres", "password_secret")
    assert "line break" in problem.message
    assert "lines" not in problem.message


@pytest.mark.parametrize("value", ["q\"uo'te", "sp ace ", "한국어", "$X \\n #", "tab\t", "%41/@:?"])
def test_any_other_password_is_good(value: str):
    assert problems(with_password(value)) == ()
