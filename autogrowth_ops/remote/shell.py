"""The few shell words that the door itself needs."""

from __future__ import annotations

import re

GROUP = re.compile(r"autogrowth-ops process group (\d+)\n")
LONGEST_LINE_BYTES = 128 * 1024 - 1  # Linux takes no longer single argument (MAX_ARG_STRLEN)
GRACE_SECONDS = 5
_CHECKS_A_SECOND = 10


def command_line(script: str) -> str:
    """The words an exec request carries: `sh` takes the place of the login shell and names its process group first.

    sshd makes the login shell the leader of a group of its own, so `$$` is that group's id. Raise ValueError if
    the kernel would refuse the line for its length."""
    line = f"exec sh -c {quoted(f'echo autogrowth-ops process group $$ >&2; {script}')}"
    if len(line.encode()) > LONGEST_LINE_BYTES:
        raise ValueError(f"a script of {len(script)} characters is too long for one command; send its bulk as stdin")
    return line


def quoted(text: str) -> str:
    """`text` as one word for sh, bash, zsh and fish; fish, unlike the others, takes a backslash inside '...' as one."""
    return "'" + re.sub(r"['\\]", lambda found: "'\"'\"'" if found[0] == "'" else "'\"\\\\\"'", text) + "'"


def group_of(stderr: str) -> int | None:
    """Process group of a script started with `command_line`; None if it has not said it (yet)."""
    found = GROUP.search(stderr)
    return int(found[1]) if found else None


def without_group(stderr: str) -> str:
    """What the script itself wrote to stderr."""
    return GROUP.sub("", stderr, count=1)


def end_group(group: int) -> str:
    """Script that ends a process group: SIGTERM, and SIGKILL to what is left after some seconds.

    `kill -TERM -- -1` would be clearer, but dash does not know it. The dead whom nobody has buried yet still count
    as running here, so the last wait is short."""
    return (
        f"gone() {{ left=$1; while kill -0 -{group} 2>/dev/null; do\n"
        f'[ "$left" -gt 0 ] || return 1; left=$((left - 1)); sleep {1 / _CHECKS_A_SECOND}; done; }}\n'
        f"kill -TERM -{group} 2>/dev/null || kill -TERM {group} 2>/dev/null\n"
        f"gone {GRACE_SECONDS * _CHECKS_A_SECOND} || {{ kill -KILL -{group}; gone {_CHECKS_A_SECOND}; }} 2>/dev/null\n"
        "exit 0\n"
    )
