from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrowth_ops.model.event import Event
from autogrowth_ops.model.secret import MASK, Secret
from autogrowth_ops.tasks import output


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")


def shown(act: Callable[[], object]) -> str:
    """What a terminal gets."""
    with redirect_stdout(Terminal()) as stream:
        act()
    return stream.getvalue()


def test_a_terminal_gets_colours():
    assert shown(lambda: output.line("done", "green")) == "\x1b[32mdone\x1b[0m\n"


def test_no_color_leaves_no_escape_in_lines_and_tables(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in shown(lambda: output.line("done", "bold red"))
    assert "\x1b" not in shown(lambda: output.table(("a", "b"), [("1", "x")], styles=["bold red"]))


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_can_be_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    monkeypatch.setenv(name, value)
    assert shown(lambda: output.line("done", "green")) == "done\n"


def test_a_pipe_gets_plain_text(capsys: pytest.CaptureFixture[str]):
    output.line("[bold]:smile: done", "green")
    assert capsys.readouterr().out == "[bold]:smile: done\n"


def test_brackets_and_colons_are_no_markup():
    assert "[bold]:smile: done" in shown(lambda: output.line("[bold]:smile: done", "green"))


class Narrow(io.TextIOWrapper):
    """A stream whose encoding lacks our marks, on a terminal."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)

    def isatty(self) -> bool:
        return True

    def printed(self) -> str:
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]


ENCODINGS = pytest.mark.parametrize("encoding", ["ascii", "euc_kr"])


@ENCODINGS
def test_steps_have_marks_that_the_encoding_can_carry(encoding: str):
    stream = Narrow(encoding)
    watch = output.Steps(stream)
    [watch(Event("app1", "build", state, 0.5)) for state in ("started", "done")]
    assert "+ app1: build  0.5 s" in stream.printed()


@ENCODINGS
def test_letters_without_a_place_in_the_encoding_end_nothing(monkeypatch: pytest.MonkeyPatch, encoding: str):
    stream = Narrow(encoding)
    monkeypatch.setattr("sys.stdout", stream)
    output.survive_encodings()
    output.line("✓ ••• 🙂")
    output.table(("✓",), [("🙂",)])
    assert "? ??? ?" in stream.printed()


@ENCODINGS
def test_a_document_loses_no_letter(monkeypatch: pytest.MonkeyPatch, encoding: str):
    stream = Narrow(encoding)
    monkeypatch.setattr("sys.stdout", stream)
    output.document({"한글": "✓"})
    assert json.loads(stream.printed()) == {"한글": "✓"}


@dataclass(frozen=True)
class Thing:
    name: str
    password: Secret
    path: Path | None = None
    parts: tuple[object, ...] = ()


def test_a_document_is_json_with_secrets_masked(capsys: pytest.CaptureFixture[str]):
    output.document([Thing("한글", Secret("hunter2"), parts=(1, {"a": Secret("x")}))])
    assert json.loads(capsys.readouterr().out) == [
        {"name": "한글", "password": MASK, "path": None, "parts": [1, {"a": MASK}]}
    ]


def test_sets_and_keys_become_what_json_knows():
    assert output.plain({1: {2}}) == {"1": [2]}


def test_columns_are_as_wide_as_they_look(capsys: pytest.CaptureFixture[str]):
    output.table(("항목", "value", "x"), [("디스크", "42 %", "a"), ("cpu", "7 %", "b")])
    assert capsys.readouterr().out == "항목    value  x\n디스크  42 %   a\ncpu     7 %    b\n"


def test_a_table_without_rows_has_its_head(capsys: pytest.CaptureFixture[str]):
    output.table(("a", "b"), [])
    assert capsys.readouterr().out == "a  b\n"


def test_a_row_with_too_few_cells_is_refused():
    with pytest.raises(ValueError, match="zip"):
        output.table(("a", "b"), [("1",)])


@given(st.lists(st.tuples(st.text("a한ｱ글 ", max_size=5), st.just("|")), min_size=1))
def test_the_second_column_begins_at_one_place(rows: list[tuple[str, str]]):
    with redirect_stdout(io.StringIO()) as stream:
        output.table(("", "|"), rows)
    starts = {output._width(line.split("|")[0]) for line in stream.getvalue().splitlines()}
    assert len(starts) == 1


def test_a_terminal_gets_a_table_with_styles():
    assert "\x1b[31m[1]" in shown(lambda: output.table(("a", "b"), [("[1]", "x"), ("2", "y")], styles=["red", ""]))


def test_a_terminal_gets_a_table_without_styles():
    assert "1" in shown(lambda: output.table(("a", "b"), [("1", "x")]))


def test_a_quiet_watcher_says_nothing(capsys: pytest.CaptureFixture[str]):
    output.watcher(quiet=True)(Event("app1", "build", "done", 1.0))
    assert capsys.readouterr() == ("", "")


def test_finished_steps_are_lines_on_stderr_of_a_pipe(capsys: pytest.CaptureFixture[str]):
    watch = output.watcher(quiet=False)
    events = [Event("app1", "build", "started"), Event("app1", "build", "done", 1.25), Event("", "a note", "note")]
    [watch(event) for event in (*events, Event("app2", "start", "failed"))]
    assert capsys.readouterr() == ("", "✓ app1: build  1.2 s\n· a note\n✗ app2: start\n")


def test_running_steps_turn_on_a_terminal_and_go_away():
    def watched() -> None:
        watch = output.watcher(quiet=False)
        [watch(Event("app1", "build", state, 0.5)) for state in ("started", "done")]
        watch(Event("", "tests", "started"))
        watch.close()
        watch.close()

    assert "✓ app1: build  0.5 s" in shown(watched)


ID = "20261125-185528-dae68da"
NARROW = ("release", "state", "by", "subject"), [(ID, "good", "kim", "one more change of many words that go on")]


@pytest.mark.parametrize("columns", ["30", "48", "60", "80"])
def test_an_id_is_whole_however_narrow_the_terminal_is(monkeypatch: pytest.MonkeyPatch, columns: str):
    monkeypatch.setenv("COLUMNS", columns)
    assert ID in shown(lambda: output.table(*NARROW))


def test_rows_that_do_not_fit_are_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "30")
    first, second, *_ = shown(lambda: output.table(*NARROW)).splitlines()
    assert (first, second) == (f"release  {ID}", "state    good")


def test_a_long_answer_is_folded_and_its_table_stays_one():
    row = ("✓", "sandbox1", "replica:web-1", "4", '200 {"status":"healthy","database":{"ok":true,"ms":0.8},"redis":{}}')
    said = re.sub(r"\x1b\[\d+m", "", shown(lambda: output.table(("", "host", "check", "ms", "details"), [row])))
    assert said.splitlines()[0].split() == ["host", "check", "ms", "details"]
