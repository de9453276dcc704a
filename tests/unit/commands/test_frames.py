from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrowth_ops.commands.frames import Block, FrameReader, sections

MARK = "@0f1e"


def read(*lines: str) -> tuple[Block, ...]:
    reader = FrameReader(MARK)
    [reader.feed(line) for line in lines]
    return reader.blocks()


def test_text_belongs_to_the_frame_above_it():
    assert read("@0f1e start build", "one", "two") == (Block(("start", "build"), "one\ntwo"),)


def test_the_empty_line_before_a_frame_is_the_frames_own():
    assert read("@0f1e start build", "one", "", "@0f1e end build 0 391")[0].text == "one"


def test_what_comes_before_the_first_frame_is_dropped():
    assert read("motd", "@0f1e start a") == (Block(("start", "a")),)


@pytest.mark.parametrize("line", ["@0f1d start b", " @0f1e start b", "@0f1estart b", "@0f1e"])
def test_a_line_that_only_resembles_a_frame_is_text(line: str):
    assert read("@0f1e start a", line)[0].text == line


def test_frames_are_heard_at_once():
    heard: list[tuple[str, ...]] = []
    reader = FrameReader(MARK, heard.append)
    reader.feed("@0f1e end build 0 391")
    assert heard == [("end", "build", "0", "391")]


def test_a_frame_without_a_name_has_an_empty_one():
    assert read("@0f1e start")[0].name == ""


def test_sections_have_exit_code_and_text():
    lines = ["@0f1e start a", "text", "@0f1e end a 3", "@0f1e start b", "@0f1e end b 0"]
    assert sections(read(*lines)) == {"a": (3, "text"), "b": (0, "")}


def test_a_section_that_never_ended_is_not_there():
    assert sections(read("@0f1e start a", "text")) == {}


def test_evidence_is_no_section():
    assert sections(read("@0f1e start a", "@0f1e evidence web-1", "log", "@0f1e end a 21")) == {"a": (21, "")}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]))))
def test_any_text_comes_out_as_it_went_in(lines: list[str]):
    found = read("@0f1e start a", *lines, "@0f1e end a 0")
    assert found[0].text == "\n".join(lines).rstrip("\n")
