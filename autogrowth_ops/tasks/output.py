"""All printing: live steps and tables on a terminal, plain lines in a pipe, JSON when asked.

NO_COLOR is honoured, and so is an encoding that cannot carry every letter."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from io import TextIOWrapper
from typing import TYPE_CHECKING, Literal, TextIO

from ..errors import OpsError, Serves
from ..model.event import Event
from ..model.secret import MASK, Secret

if TYPE_CHECKING:
    from rich.console import Console

MARKS = {"done": "✓", "failed": "✗", "note": "·", "passed": "✓", "warning": "!", "skipped": "-"}
PLAIN_MARKS = {"done": "+", "failed": "x", "note": "-", "passed": "+", "warning": "!", "skipped": "-"}
SPINNER, PLAIN_SPINNER = "dots", "line"
STYLES = {"done": "green", "passed": "green", "failed": "bold red", "warning": "yellow", "note": "dim"}
GAP, LONGEST_ID = 2, 29


def is_terminal(stream: TextIO) -> bool:
    """Whether a person watches the stream."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def survive_encodings() -> None:
    """From now on what the encoding of stdout or stderr cannot carry becomes a question mark instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def can_carry(stream: TextIO, text: str) -> bool:
    """Whether the stream's encoding has all letters of the text."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def mark(name: str, stream: TextIO | None = None) -> str:
    """The mark of a state or verdict, as stdout or the stream can show it."""
    can = can_carry(stream or sys.stdout, "".join(MARKS.values()))
    return (MARKS if can else PLAIN_MARKS)[name]


def console(stream: TextIO) -> Console:
    """A rich console on the stream; import it only where a terminal is there."""
    from rich.console import Console

    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(file=stream, highlight=False, emoji=False, markup=False, color_system=colours)


def line(text: str, style: str = "", *, stream: TextIO | None = None) -> None:
    """One line; in colour on a terminal."""
    target = stream or sys.stdout
    if style and is_terminal(target):
        console(target).print(text, style=style, soft_wrap=True)
    else:
        print(text, file=target, flush=True)


def document(value: object, *, indent: int | None = 2) -> None:
    """One JSON document on stdout, in whatever encoding it has; without `indent` it is one line."""
    text = json.dumps(plain(value), ensure_ascii=False, indent=indent)
    print(text if can_carry(sys.stdout, text) else json.dumps(plain(value), indent=indent), flush=True)


def plain(value: object) -> object:
    """The value as JSON knows it; secrets masked."""
    if isinstance(value, Secret):
        return MASK
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(one) for one in value]
    return value


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    styles: Sequence[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Rows under their columns: a rich table on a terminal, columns of text in a pipe. `styles` is by row.

    No id and no time is ever broken: on a terminal too narrow for them each row is a block of its own."""
    target = stream or sys.stdout
    if is_terminal(target):
        _draw(columns, rows, styles or [""] * len(rows), target)
        return
    widths = [max(map(_width, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        line("  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip(), stream=target)


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str], target: TextIO) -> None:
    from rich.table import Table
    from rich.text import Text

    screen = console(target)
    cells = list(zip(columns, *rows, strict=True))
    words = [[_width(word) for cell in column for word in cell.split()] for column in cells]
    least = [min(max(of_column, default=0), LONGEST_ID) for of_column in words]
    room = screen.width - GAP * (len(columns) - 1)
    if sum(least) > room:
        _draw_blocks(columns, rows, styles, target)
        return
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column, width in zip(columns, _widths(least, [max(map(_width, one)) for one in cells], room), strict=True):
        drawn.add_column(column, overflow="fold", width=width)
    for row, style in zip(rows, styles, strict=True):
        drawn.add_row(*map(Text, row), style=style)
    screen.print(drawn)


def _widths(least: Sequence[int], wanted: Sequence[int], room: int) -> list[int]:
    """Each column's width: what it needs at least, and of what is left over the same for all that want more."""
    widths, left = list(least), room - sum(least)
    while left > 0 and widths != list(wanted):
        for index, most in enumerate(wanted):
            if widths[index] < most and left > 0:
                widths[index], left = widths[index] + 1, left - 1
    return widths


def _draw_blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str], target: TextIO) -> None:
    width = max(map(_width, columns))
    for row, style in zip(rows, styles, strict=True):
        for name, cell in zip(columns, row, strict=True):
            if cell:
                line(f"{_padded(name, width)}  {cell}", style, stream=target)
        line("", stream=target)


def shortened(text: str, letters: int) -> str:
    """The text on one line, with at most so many letters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= letters else f"{flat[: letters - 3]}..."


def _width(text: str) -> int:
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def watcher(*, quiet: bool) -> Callable[[Event], None]:
    """Who hears of steps: live lines on a terminal, one line a finished step in a pipe, nobody if `quiet`."""
    if quiet:
        return lambda _: None
    return Steps(sys.stderr if not sys.stdout.isatty() else sys.stdout)


class Steps:
    """Prints finished steps as lines; on a terminal the running ones stand below with a spinner."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._running: dict[tuple[str, str], None] = {}
        self._status: object = None
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Print what happened."""
        with self._lock:
            key = (event.host, event.title)
            if event.state == "started":
                self._running[key] = None
            else:
                self._running.pop(key, None)
            if is_terminal(self._stream):
                self._spin()
            if event.state != "started":
                self._print(event)

    def _print(self, event: Event) -> None:
        host = f"{event.host}: " if event.host else ""
        took = f"  {event.seconds:.1f} s" if event.state == "done" else ""
        line(
            f"{mark(event.state, self._stream)} {host}{event.title}{took}",
            STYLES.get(event.state, ""),
            stream=self._stream,
        )

    def _spin(self) -> None:
        if not self._running:
            self.close()
            return
        text = ", ".join(f"{host}: {title}" if host else title for host, title in self._running)
        if self._status is None:
            spinner = SPINNER if can_carry(self._stream, "⠋") else PLAIN_SPINNER
            self._status = console(self._stream).status(text, spinner=spinner)
            self._status.start()
        self._status.update(text)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Take the spinner away."""
        if self._status is not None:
            self._status.stop()  # type: ignore[attr-defined]
            self._status = None


def failure(error: OpsError, *, as_json: bool = False) -> None:
    """What failed, first; who serves what, and the evidence below. With `as_json` a document on stdout says it too."""
    if as_json:
        _error_document(error.exit_code, str(error), error.details, error.hosts)
    for number, text in enumerate(str(error).splitlines() or [type(error).__name__]):
        line(f"{'error: ' if number == 0 else '       '}{text}", "bold red", stream=sys.stderr)
    if error.hosts:
        _show_hosts(error.hosts)
    for text in error.details:
        line(f"  {text}", stream=sys.stderr)


def _show_hosts(hosts: Sequence[Serves]) -> None:
    rows = [(one.host, "not known" if one.problem else one.serves or "nothing", one.was or "nothing") for one in hosts]
    table(("host", "serves", "was"), rows, stream=sys.stderr)


def interrupted(exit_code: int, *, as_json: bool = False) -> None:
    """Ctrl-C or SIGTERM."""
    if as_json:
        _error_document(exit_code, "interrupted")
    line("error: interrupted", "bold red", stream=sys.stderr)


def defect(error: Exception, exit_code: int, *, as_json: bool = False) -> None:
    """A defect of ours: one line for people, the trace only on request."""
    text = f"a defect in autogrowth_ops: {type(error).__name__}: {error}"
    if as_json:
        _error_document(exit_code, text)
    line(f"error: {text}; set AUTOGROWTH_DEBUG=1 for the trace, and report it", "bold red", stream=sys.stderr)
    if os.environ.get("AUTOGROWTH_DEBUG"):
        traceback.print_exception(error)


def _error_document(exit_code: int, message: str, details: Sequence[str] = (), hosts: Sequence[Serves] = ()) -> None:
    """One line, because `inv logs --json` prints one document a line."""
    error = {"exit_code": exit_code, "message": message, "details": details, **({"hosts": hosts} if hosts else {})}
    document({"error": error}, indent=None)
