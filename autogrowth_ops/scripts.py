"""One script on one host is one trip: made from calls, run, and its framed output taken apart as it comes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .commands.frames import Block, FrameReader, sections
from .commands.shell import script
from .errors import HostError
from .model.plan import Command
from .remote import Remote

LAST_LINES = 15
SILENT_SECONDS = 7  # the script says something every three


@dataclass(frozen=True)
class Result:
    """What a script printed: its framed blocks and its exit code."""

    blocks: tuple[Block, ...]
    exit_code: int

    def sections(self) -> dict[str, tuple[int, str]]:
        """Exit code and text of each section or step that ended."""
        return sections(self.blocks)


def run_script(
    remote: Remote,
    calls: Sequence[Command],
    variables: Mapping[str, str],
    *,
    timeout_seconds: float,
    stdin: Iterable[bytes] | bytes = b"",
    on_frame: Callable[[tuple[str, ...]], None] | None = None,
) -> Result:
    """Run the calls in order on the host. Raise HostError if the script itself could not run."""
    mark = f"@{secrets.token_hex(8)}"
    reader = FrameReader(mark, on_frame)
    text = script(calls, {**variables, "MARK": mark})
    outcome = remote.run(
        text, stdin=stdin, timeout_seconds=timeout_seconds, on_line=reader.feed, silent_seconds=SILENT_SECONDS
    )
    if not reader.blocks():
        said = "\n".join((outcome.stderr or outcome.stdout).strip().splitlines()[-LAST_LINES:])
        raise HostError(
            f"{remote.host.name}: no POSIX shell answered (exit code {outcome.exit_code}): {said or 'no output'}"
        )
    return Result(reader.blocks(), outcome.exit_code)
