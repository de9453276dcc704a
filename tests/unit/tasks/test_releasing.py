from __future__ import annotations

import pytest

from autogrowth_ops.model.plan import Step
from autogrowth_ops.tasks.releasing import _about, _if_it_fails_later
from tests.fakes import make_release


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Step("app1", "record", "record it", ("do",), undo=("undo",), final=True), "cannot be undone"),
        (Step("app1", "start", "start it", ("do",), undo=("undo",)), "is undone"),
        (Step("app1", "ready", "wait for it", ("do",)), "nothing to undo"),
        (Step("app1", "migrate", "migrate the database", ("do",), undo=("undo",)), "is not undone"),
    ],
)
def test_a_plan_says_what_becomes_of_each_step(step: Step, expected: str):
    assert _if_it_fails_later(step) == expected


def test_a_bad_release_says_why_on_one_short_line():
    release = make_release(state="bad", reason="web-1: KeyError\n" + "x" * 100)
    assert _about(release) == f"failed: web-1: KeyError {'x' * 41}..."


@pytest.mark.parametrize("changes", [{}, {"state": "bad"}])
def test_any_other_release_has_its_subject(changes: dict[str, object]):
    assert _about(make_release(**changes)) == "one more change"
