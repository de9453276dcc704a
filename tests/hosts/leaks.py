"""Secrets to plant, all the ways in which they could be written, and where to look for them."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote, quote_plus

SAMPLER = Path(__file__).with_name("sampler.py")
LARGEST_BYTES = 50 * 2**20


def make_secret(awkward: str) -> str:
    """A random secret with these characters in its middle."""
    return f"{token_hex(8)}{awkward}{token_hex(8)}"


def forms(secret: str) -> tuple[str, ...]:
    """The secret as it is, and as shells, URLs, JSON, env files, programs and base64 write it, whole or in parts."""
    whole = {
        secret,
        shlex.quote(secret),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
        base64.b64encode(quote(secret, safe="").encode()).decode(),
    }
    parts = (secret[:16], secret[-16:])
    return (*sorted(whole), *parts, *(one for part in parts for one in _inside_base64(part)))


def _inside_base64(text: str) -> Iterator[str]:
    """What stands in the base64 of any longer text that has this one in it: three ways to meet groups of three bytes."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + text.encode()).decode().rstrip("=")
        yield encoded[shift + bool(shift) : -1]


def found_in(text: str, needles: Iterable[str]) -> list[str]:
    """The needles that the text has."""
    return [one for one in needles if one in text]


def files_with(folders: Sequence[Path], needles: Sequence[str], *, since: float = 0.0) -> set[Path]:
    """Files below the folders, changed since then, that have a needle."""
    wanted = [one.encode() for one in needles]
    return {path for path in _files(folders, since) if _has_any(path, wanted)}


def _files(folders: Sequence[Path], since: float) -> Iterator[Path]:
    for folder in folders:
        for place, _, names in os.walk(folder):
            for path in (Path(place) / name for name in names):
                try:
                    seen = path.lstat()
                except OSError:
                    continue
                is_regular = path.is_file() and not path.is_symlink()
                if is_regular and seen.st_mtime >= since and seen.st_size <= LARGEST_BYTES:
                    yield path


def _has_any(path: Path, wanted: Sequence[bytes]) -> bool:
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return any(one in content for one in wanted)


@dataclass
class Samples:
    """What a sampler saw: how often it looked, the programs' names, and every needle it found."""

    scans: int = 0
    programs: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)


@contextmanager
def sampling(needles: Sequence[str], *containers: str) -> Iterator[Samples]:
    """A sampler while the block runs; it looks at environments of sandbox hosts too, which are these containers."""
    samples = Samples()
    inspect = ["docker", "inspect", "--format", "{{.State.Pid}}", *containers]
    of = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout.split() if containers else []
    with subprocess.Popen(
        [sys.executable, str(SAMPLER), *of], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(needles) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        try:
            yield samples
        finally:
            output, _ = process.communicate()
            for name, value in json.loads(output).items():
                setattr(samples, name, value)
