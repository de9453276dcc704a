from __future__ import annotations

import pytest

from autogrowth_ops.errors import UsageError
from autogrowth_ops.tasks.arguments import number, since, tail


@pytest.mark.parametrize(
    "text", ["", "10m", "2h", "1h30m", "90s", "2026-11-23", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00.5+09:00"]
)
def test_lengths_of_time_and_instants_are_taken(text: str):
    assert since(text) == text


@pytest.mark.parametrize("text", ["yesterday", "10", "2d", "2026-13-45", "2026-11-23 10:00", "m", "; reboot"])
def test_anything_else_is_refused_with_what_is_allowed(text: str):
    with pytest.raises(UsageError, match="--since: should be like 10m, 2h, 2026-11-23 or 2026-11-23T10:00:00Z, got"):
        since(text)


@pytest.mark.parametrize("text", ["0", "200", "all"])
def test_a_number_of_lines_or_all_is_taken(text: str):
    assert tail(text) == text


@pytest.mark.parametrize("text", ["abc", "-1", "", "²"])
def test_no_number_of_lines_is_refused(text: str):
    with pytest.raises(UsageError, match="--tail: should be a number of lines or all, got"):
        tail(text)


def test_a_number_is_read():
    assert number("--lines", "50") == 50


@pytest.mark.parametrize("text", ["abc", "0", "-3", "", "1.5", "²"])
def test_no_number_is_refused(text: str):
    with pytest.raises(UsageError, match="--lines: should be a whole number, 1 or more, got"):
        number("--lines", text)


def test_a_number_may_have_a_limit():
    with pytest.raises(UsageError, match='--port: should be a whole number, 1 to 65535, got "70000"'):
        number("--port", "70000", most=65535)
