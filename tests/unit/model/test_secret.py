from __future__ import annotations

import pickle

import pytest

from autogrowth_ops.model.secret import MASK, Secret

HIDDEN = Secret("hunter2")


@pytest.mark.parametrize(
    "shown", [str(HIDDEN), repr(HIDDEN), f"{HIDDEN}", f"{HIDDEN:>20}", f"{HIDDEN!r}", str([HIDDEN])]
)
def test_a_secret_shows_as_dots(shown: str):
    assert MASK in shown
    assert "hunter2" not in shown


def test_a_secret_is_revealed_on_demand():
    assert HIDDEN.reveal() == "hunter2"


def test_equal_secrets_are_equal_and_hash_alike():
    assert len({HIDDEN, Secret("hunter2")}) == 1


@pytest.mark.parametrize("other", ["hunter2", Secret("other"), None])
def test_a_secret_equals_nothing_else(other: object):
    assert other != HIDDEN


def test_a_secret_cannot_be_pickled():
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(HIDDEN)
