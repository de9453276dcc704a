"""A real OpenSSH server of the tests' own: a free loopback port, its own keys, nothing outside its folder."""

from __future__ import annotations

import getpass
import random
import socket
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from autogrowth_ops.model.environment import Host

from .project import WORKER

KEY_TYPES = ("ed25519", "ecdsa", "rsa")


@dataclass
class Sshd:
    """A running server in `folder`; `extra` are more lines of its configuration."""

    folder: Path
    host_key_types: tuple[str, ...] = KEY_TYPES
    extra: str = ""
    port: int = field(default_factory=lambda: free_port())

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for key_type in self.host_key_types:
            make_key(self.folder / f"host_{key_type}", key_type)
        self.identity = make_key(self.folder / "id_test", "ed25519")
        (self.folder / "authorized_keys").write_text(public_key(self.identity))
        self.start()

    def start(self) -> None:
        """Start it, or start it again after `stop`."""
        Path("/run/sshd").mkdir(exist_ok=True)
        (self.folder / "sshd_config").write_text(self._config())
        words = ["/usr/sbin/sshd", "-D", "-e", "-f", str(self.folder / "sshd_config")]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.log = [self._first_line()]
        threading.Thread(target=self._read_log, daemon=True).start()

    def stop(self) -> None:
        """Stop listening; sessions go on."""
        self.process.terminate()
        self.process.wait()

    def host(self, **changes: object) -> Host:
        """It, as a host that is trusted and can be logged in to."""
        settings: dict[str, object] = {
            "name": "app1",
            "address": "127.0.0.1",
            "user": getpass.getuser(),
            "port": self.port,
            "identity_file": str(self.identity),
            "known_hosts": str(self.known_hosts()),
        }
        return Host(**(settings | changes))  # type: ignore[arg-type]

    def known_hosts(self, key_type: str = "") -> Path:
        """A known_hosts file with one of its keys; with its first one by default."""
        file = self.folder / "known_hosts"
        file.write_text(self.known_hosts_line(key_type or self.host_key_types[0]))
        return file

    def known_hosts_line(self, key_type: str) -> str:
        """The line that records its key of that type."""
        return f"[127.0.0.1]:{self.port} {public_key(self.folder / f'host_{key_type}')}"

    def _first_line(self) -> str:
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert "listening" in line, line + self.process.stderr.read()
        return line

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self.log.extend(lines)

    def _config(self) -> str:
        keys = "".join(f"HostKey {self.folder}/host_{key_type}\n" for key_type in self.host_key_types)
        return (
            f"Port {self.port}\nListenAddress 127.0.0.1\n{keys}PidFile none\nUsePAM no\nStrictModes no\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nPasswordAuthentication no\n"
            f"KbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxStartups 100\n"
            f"SetEnv HOME={self.folder}\n{self.extra}\n"
        )


def make_key(file: Path, key_type: str, passphrase: str = "") -> Path:
    """A private key in `file`, its public half beside it."""
    words = ["ssh-keygen", "-q", "-t", key_type, "-N", passphrase, "-C", f"{file.name} of a test", "-f", str(file)]
    subprocess.run(words, check=True)
    return file


def public_key(file: Path) -> str:
    """The public half of the key in `file`, as one line."""
    return Path(f"{file}.pub").read_text()


def free_port() -> int:
    """A port that nobody listens on, and that neither connections of this machine nor other workers take meanwhile."""
    first = 24_000 + int(WORKER.removeprefix("gw") or 0) % 8 * 1000
    while True:
        port = random.randrange(first, first + 1000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
