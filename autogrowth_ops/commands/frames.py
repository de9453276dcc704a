"""What a script prints, taken apart: text between lines that start with the script's own mark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """Text a script printed under one frame line; `words` are the frame's ("start build", "end build 0 391")."""

    words: tuple[str, ...]
    text: str = ""

    @property
    def kind(self) -> str:
        """First word: start, end or evidence."""
        return self.words[0]

    @property
    def name(self) -> str:
        """Second word: the step, the section or the container."""
        return self.words[1] if len(self.words) > 1 else ""


class FrameReader:
    """Takes lines as they come; `on_frame` hears of each frame line at once, `blocks()` has all at the end."""

    def __init__(self, mark: str, on_frame: Callable[[tuple[str, ...]], None] | None = None) -> None:
        self._mark = mark + " "
        self._on_frame = on_frame
        self._found: list[tuple[tuple[str, ...], list[str]]] = []

    def feed(self, line: str) -> None:
        """One line without its line end."""
        if line.startswith(self._mark):
            words = tuple(line[len(self._mark) :].split())
            self._found.append((words, []))
            if self._on_frame:
                self._on_frame(words)
        elif self._found:
            self._found[-1][1].append(line)

    def blocks(self) -> tuple[Block, ...]:
        """Everything so far; the empty line before a frame line is the frame's own."""
        return tuple(Block(words, "\n".join(lines).rstrip("\n")) for words, lines in self._found)


def sections(blocks: Sequence[Block]) -> dict[str, tuple[int, str]]:
    """Exit code and text of each section that ended, by name."""
    texts = {block.name: block.text for block in blocks if block.kind == "start"}
    return {block.name: (int(block.words[2]), texts[block.name]) for block in blocks if block.kind == "end"}
