"""OpenSSH's known_hosts: which keys are recorded for a name, and how one is added. See sshd(8)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Verdict = Literal["known", "unknown", "changed", "revoked"]
SYSTEM_FILE = Path("/etc/ssh/ssh_known_hosts")
_RSA_SIGNATURES = ("rsa-sha2-512", "rsa-sha2-256")


@dataclass(frozen=True)
class HostKey:
    """A server's public key; `name` is what known_hosts calls the server, `base64` the key itself."""

    name: str
    type: str
    base64: str

    @property
    def fingerprint_sha256(self) -> str:
        """`SHA256:...`, as ssh-keygen shows it."""
        digest = hashlib.sha256(base64.b64decode(self.base64)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    @property
    def known_hosts_line(self) -> str:
        """The line that records it, without a line end."""
        return f"{self.name} {self.type} {self.base64}"

    def __str__(self) -> str:
        return f"{self.type} {self.fingerprint_sha256}"


@dataclass(frozen=True)
class Entry:
    """A line of known_hosts: `names` are patterns or one hashed name."""

    marker: str
    names: tuple[str, ...]
    type: str
    base64: str

    def matches(self, name: str) -> bool:
        """Whether the line is about `name`; a pattern that begins with `!` excludes."""
        if any(_matches(pattern[1:], name) for pattern in self.names if pattern.startswith("!")):
            return False
        return any(_matches(pattern, name) for pattern in self.names if not pattern.startswith("!"))


def recorded_name(address: str, port: int) -> str:
    """What known_hosts calls a server: its address, with a port other than 22 as `[address]:port`."""
    return address.lower() if port == 22 else f"[{address.lower()}]:{port}"


def read_entries(files: Sequence[Path]) -> tuple[Entry, ...]:
    """The usable lines of all `files`; a file that is missing or cannot be read has none."""
    return tuple(entry for file in files for line in _lines(file) if (entry := parse_line(line)))


def parse_line(line: str) -> Entry | None:
    """A line of known_hosts, or None if it is a comment or damaged."""
    marker, words = "", line.split()
    if words and words[0].startswith("@"):
        marker, *words = words
    if len(words) < 3 or words[0].startswith("#") or not _is_base64(words[2]):
        return None
    return Entry(marker, tuple(words[0].split(",")), words[1], words[2])


def recorded_keys(entries: Sequence[Entry], name: str) -> tuple[HostKey, ...]:
    """Keys recorded for `name` itself; those of certificate authorities are not."""
    return tuple(
        HostKey(name, entry.type, entry.base64) for entry in entries if not entry.marker and entry.matches(name)
    )


def judge(entries: Sequence[Entry], key: HostKey) -> Verdict:
    """What the records say of a key that a server shows."""
    if any(entry.marker == "@revoked" and entry.base64 == key.base64 and entry.matches(key.name) for entry in entries):
        return "revoked"
    recorded = recorded_keys(entries, key.name)
    if any(known.base64 == key.base64 for known in recorded):
        return "known"
    return "changed" if recorded else "unknown"


def preferred_algorithms(recorded: Sequence[HostKey], supported: Sequence[str]) -> tuple[str, ...]:
    """`supported` signature algorithms, those of recorded keys first, so that the server shows a key that we know."""
    types = {key.type for key in recorded}
    wanted = types.union(_RSA_SIGNATURES) if "ssh-rsa" in types else types
    return tuple(sorted(supported, key=lambda algorithm: algorithm not in wanted))


def with_key(text: str, key: HostKey, *, replace: bool) -> str:
    """`text` of a known_hosts file with `key` recorded; `replace` drops the other keys of its name."""
    lines = text.splitlines()
    if replace:
        lines = [kept for line in lines if (kept := _without_name(line, key.name)) is not None]
    if not any(entry.base64 == key.base64 for line in lines if (entry := _entry_for(line, key.name))):
        lines.append(key.known_hosts_line)
    return "\n".join(lines) + "\n"


def _without_name(line: str, name: str) -> str | None:
    """The line without one of its names; None if it had no other. A line that matches by pattern stays."""
    entry = _entry_for(line, name)
    if entry is None:
        return line
    names = [pattern for pattern in entry.names if not _is_exactly(pattern, name)]
    return line.replace(",".join(entry.names), ",".join(names), 1) if names else None


def _entry_for(line: str, name: str) -> Entry | None:
    entry = parse_line(line)
    return entry if entry and not entry.marker and entry.matches(name) else None


def _is_exactly(pattern: str, name: str) -> bool:
    return _hash_matches(pattern, name) if pattern.startswith("|1|") else pattern.lower() == name


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("|1|"):
        return _hash_matches(pattern, name)
    expression = re.escape(pattern.lower()).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, name) is not None


def _hash_matches(pattern: str, name: str) -> bool:
    """`|1|salt|hash`, as HashKnownHosts writes it."""
    try:
        salt, expected = (base64.b64decode(part) for part in pattern.split("|")[2:4])
    except ValueError:
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), "sha1").digest(), expected)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except binascii.Error:
        return False
