"""Whether a server is the one it claims to be: what is recorded of it, and how that comes about."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autogrowth_ops.errors import HostError
from autogrowth_ops.remote import known_hosts
from autogrowth_ops.remote.failures import Endpoint, host_key_refused
from autogrowth_ops.remote.known_hosts import HostKey

if TYPE_CHECKING:
    from autogrowth_ops.model.environment import Host

_USER_FILE = "~/.ssh/known_hosts"
_NO_FILE = ("/dev/null", "none")


@dataclass(frozen=True)
class Trust:
    """`files` are asked for the keys of a server, which they call `name`; a new key goes into the first."""

    name: str
    files: tuple[Path, ...]

    @classmethod
    def configured(
        cls, address: str, port: int, ssh_config: Mapping[str, str], *, own_file: str, own_file_only: bool
    ) -> Trust:
        """As ssh_config has it; `own_file`, if any, alone or before the user's and the system's files."""
        name = ssh_config.get("hostkeyalias") or known_hosts.recorded_name(address, port)
        own = [Path(own_file).expanduser()] if own_file else []
        if own and own_file_only:
            return cls(name, tuple(own))
        named = [word for word in ssh_config.get("userknownhostsfile", "").split() if word not in _NO_FILE]
        users = [Path(word.strip('"')).expanduser() for word in [*named, _USER_FILE]]
        return cls(name, (*own, *users, known_hosts.SYSTEM_FILE))

    def recorded(self) -> tuple[HostKey, ...]:
        """Keys recorded for the server."""
        return known_hosts.recorded_keys(known_hosts.read_entries(self.files), self.name)

    def require_known(self, key: HostKey, at: Endpoint) -> None:
        """Raise Unreachable, with what to compare, unless `key` is recorded for the server."""
        verdict = known_hosts.judge(known_hosts.read_entries(self.files), key)
        if verdict != "known":
            raise host_key_refused(verdict, key, self.recorded(), at)


def fetch_host_key(host: Host, connect_timeout_seconds: float = 10) -> HostKey:
    """The key `host` shows, known or not; nobody logs in there. Its jump hosts must be known. Raise Unreachable."""
    from autogrowth_ops.remote.fabric_link import open_link

    try:
        open_link(host, connect_timeout_seconds, on_key=_tell)
    except _Told as told:
        return told.key
    raise AssertionError("a connection was opened without a look at its host key")


def record_host_key(host: Host, key: HostKey, *, replace: bool) -> Path:
    """The known_hosts file of `host`, in which `key` stands from now on; `replace` drops what stood there for it.

    Raise HostError if another key of this type is recorded and `replace` is not set, or the file cannot be written."""
    from autogrowth_ops.remote.fabric_link import trust_of

    trust = trust_of(host)
    other = [known for known in trust.recorded() if known.type == key.type and known.base64 != key.base64]
    if other and not replace:
        raise HostError(f"{host.name}: host key not recorded: another one is: {other[0]}; run: {_replacing(host)}")
    file = Path(os.path.realpath(trust.files[0]))
    try:
        _record(file, key, replace=replace)
    except OSError as error:
        raise HostError(f"{host.name}: host key not recorded: {file}: {error.strerror}; make it writable") from error
    return file


def _record(file: Path, key: HostKey, *, replace: bool) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_one(file.parent):
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        _write(file, known_hosts.with_key(text, key, replace=replace))


def _write(file: Path, text: str) -> None:
    """All or nothing; mkstemp makes it readable by its owner only."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    os.close(handle)
    temporary = Path(name)
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(file)
    except BaseException:
        temporary.unlink()
        raise


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Keep others who record keys in `folder` waiting."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class _Told(Exception):
    def __init__(self, key: HostKey) -> None:
        super().__init__(str(key))
        self.key = key


def _tell(key: HostKey) -> None:
    raise _Told(key)


def _replacing(host: Host) -> str:
    return f"inv hosts.trust --host={host.name} --replace"
