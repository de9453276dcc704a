"""Which keys are offered to a server, in which order, and what is said when it takes none."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from autogrowth_ops.errors import Unreachable
from autogrowth_ops.remote.failures import Endpoint

DEFAULT_FILES = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")


class KeyEncrypted(Exception):
    """A private key needs a passphrase, for which we never ask."""


class KeyUnusable(Exception):
    """A file holds no private key that we can read."""


class KeyRefused(Exception):
    """The server does not let this key in; `final` if it will not look at another one."""

    def __init__(self, why: str = "", *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class SigningKey(Protocol):
    """A private key, in memory or in the agent."""

    def asbytes(self) -> bytes:
        """Its public half."""


@dataclass(frozen=True)
class Identity:
    """A key to offer, with the name it has for people."""

    name: str
    key: SigningKey


@dataclass(frozen=True)
class Wallet:
    """What can be offered: files in order, and the agent's keys by comment.

    `required` must be readable; `only_files` keeps agent keys that belong to none of the files back."""

    files: Sequence[Path]
    agent: Sequence[Identity]
    required: Path | None = None
    only_files: bool = False


@dataclass
class Login:
    """One try to log in at `at`: `load` reads a private key, `offer` raises KeyRefused."""

    at: Endpoint
    wallet: Wallet
    load: Callable[[Path], SigningKey]
    offer: Callable[[SigningKey], None]
    encrypted: list[Path] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def log_in(self) -> None:
        """Offer one key after the other until one is taken. Raise Unreachable, naming them, if none is."""
        why = ""
        for identity in self._identities():
            try:
                return self.offer(identity.key)
            except KeyRefused as refusal:
                self.refused.append(identity.name)
                why = str(refusal)
                if refusal.final:
                    break
        raise self._failure(why)

    def _identities(self) -> Iterator[Identity]:
        """Keys of the files first, the agent's copy of one that is encrypted in its place; then the agent's others."""
        in_agent = {identity.key.asbytes(): identity for identity in self.wallet.agent}
        for file in self.wallet.files:
            found = self._loaded(file) or in_agent.get(_public_half(file))
            if found:
                in_agent.pop(found.key.asbytes(), None)
                yield found
        if not self.wallet.only_files:
            yield from in_agent.values()

    def _loaded(self, file: Path) -> Identity | None:
        try:
            return Identity(file.name, self.load(file))
        except KeyEncrypted:
            self.encrypted.append(file)
        except (OSError, KeyUnusable) as error:
            if file == self.wallet.required:
                why = error.strerror if isinstance(error, OSError) else error
                advice = "set identity_file to a private key you may read"
                raise self.at.failure(f"identity file cannot be read: {file.name}: {why}; {advice}") from error
        return None

    def _failure(self, why: str) -> Unreachable:
        locked = [file for file in self.encrypted if file.name not in self.refused]
        offered = f"{self.at.login} refused {', '.join(self.refused)}" if self.refused else ""
        if locked:
            names = ", ".join(file.name for file in locked)
            said = "; ".join(filter(None, [offered, f"{names} is encrypted and the agent does not hold it"]))
            return self.at.failure(f"login failed: {said}; run: ssh-add, then try again")
        if not self.refused:
            none = f"no key to log in with as {self.at.login}: no usable identity file, no key in the agent"
            return self.at.failure(f"login failed: {none}; set identity_file or run: ssh-keygen")
        advice = "check the user, and that one of these keys is in its ~/.ssh/authorized_keys on the server"
        return self.at.failure(f"login failed: {offered}{f' ({why})' if why else ''}; {advice}")


def wallet_for(identity_file: str, ssh_config: Mapping[str, object], agent: Sequence[Identity]) -> Wallet:
    """What may be offered according to the host's own settings and its part of ssh_config."""
    required = Path(identity_file).expanduser() if identity_file else None
    configured = ssh_config.get("identityfile")
    named = [str(name) for name in configured if name != "none"] if isinstance(configured, list) else []
    files = [required] if required else []
    files += [Path(name).expanduser() for name in named or ([] if required else DEFAULT_FILES)]
    return Wallet(files, agent, required, only_files=ssh_config.get("identitiesonly") == "yes")


def _public_half(file: Path) -> bytes:
    """What `<file>.pub` says; empty if it says nothing."""
    try:
        return base64.b64decode(Path(f"{file}.pub").read_text(encoding="utf-8").split()[1])
    except (OSError, ValueError, IndexError):
        return b""
