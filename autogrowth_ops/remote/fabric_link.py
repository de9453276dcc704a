"""Opens SSH connections: the only module that knows Fabric and Paramiko, which it loads when first used.

Fabric reads ssh_config and strings jump hosts together; Paramiko speaks SSH. Ours are the sockets, the host key
policy (known_hosts only) and the order in which keys are offered."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from autogrowth_ops.errors import Unreachable
from autogrowth_ops.remote.channel import Channel
from autogrowth_ops.remote.failures import Endpoint, not_connected, not_ssh
from autogrowth_ops.remote.identities import (
    Identity,
    KeyEncrypted,
    KeyRefused,
    KeyUnusable,
    Login,
    SigningKey,
    wallet_for,
)
from autogrowth_ops.remote.known_hosts import HostKey, preferred_algorithms
from autogrowth_ops.remote.ssh_config import read_ssh_config
from autogrowth_ops.remote.trust import Trust

if TYPE_CHECKING:
    from fabric import Connection  # type: ignore[import-untyped]
    from paramiko import SSHClient, Transport  # type: ignore[import-untyped]

    from autogrowth_ops.model.environment import Host

OnKey = Callable[[HostKey], None]
_WINDOW_BYTES = 16 * 1024 * 1024  # what a host may send ahead of us; Paramiko's 2 MiB would bind at 100 ms
_KEEPALIVE_SECONDS = 30
_SILENCE_SECONDS = 60
_FAST_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")


class FabricLink:
    """An open connection to a host, with the jump hosts in front of it."""

    def __init__(self, connection: Connection) -> None:
        import paramiko

        self.errors: tuple[type[Exception], ...] = (paramiko.SSHException, EOFError, OSError)
        self._connection = connection
        connection.transport.set_keepalive(_KEEPALIVE_SECONDS)

    def open_channel(self) -> Channel:
        """A new session channel: one round trip."""
        channel: Channel = self._connection.transport.open_session()
        return channel

    def is_active(self) -> bool:
        """Whether it still carries anything; `saved_exception` is what is set first when it breaks."""
        transport = self._connection.transport
        return bool(transport.is_active()) and transport.saved_exception is None

    def close(self) -> None:
        """Hang up, on the jump hosts too."""
        _hang_up(self._connection)


def open_link(host: Host, connect_timeout_seconds: float, on_key: OnKey | None = None) -> FabricLink:
    """A connection to `host`, logged in. Raise Unreachable saying what failed and what to do.

    `on_key` gets the host's key instead of its being looked up in known_hosts, and may raise."""
    _keep_quiet()
    connection = _connection(host)
    try:
        _open(connection, host, connect_timeout_seconds, on_key=on_key)
    except BaseException:
        _hang_up(connection)
        raise
    return FabricLink(connection)


def trust_of(host: Host) -> Trust:
    """Where the key of `host` is recorded, and under which name, according to ssh_config."""
    return _trust(_connection(host), host, is_jump=False)


class _PublicKey(Protocol):
    def get_name(self) -> str: ...
    def get_base64(self) -> str: ...


class _Policy:
    """Paramiko asks it about every key, for it is given no known hosts of its own."""

    def __init__(self, name: str, on_key: OnKey) -> None:
        self._name = name
        self._on_key = on_key

    def missing_host_key(self, _client: SSHClient, _name: str, key: _PublicKey) -> None:
        self._on_key(HostKey(self._name, key.get_name(), key.get_base64()))


class _Strategy:
    """Logs in with keys only: nothing ever asks for a password."""

    def __init__(self, at: Endpoint, identity_file: str, ssh_config: Mapping[str, object]) -> None:
        self._at = at
        self._identity_file = identity_file
        self._ssh_config = ssh_config

    def authenticate(self, transport: Transport) -> None:
        with _agent_keys() as in_agent:
            wallet = wallet_for(self._identity_file, self._ssh_config, in_agent)
            Login(self._at, wallet, _load_key, partial(_offer, transport, self._at.user)).log_in()


def _connection(host: Host) -> Connection:
    """Not open yet. `lazy` keeps Fabric's own configuration files and variables out."""
    from fabric import Config, Connection
    from paramiko import SSHConfig, SSHException

    try:
        ssh_config = SSHConfig.from_text(read_ssh_config())
        gateway = False if ssh_config.lookup(host.address).get("proxyjump") == "none" else None
        config = Config(ssh_config=ssh_config, lazy=True)
        return Connection(host.address, host.user, host.port, config=config, gateway=gateway)
    except (RecursionError, ValueError, LookupError, SSHException) as error:
        why = "its ProxyJump leads round in circles" if isinstance(error, RecursionError) else error
        raise Unreachable(f"{host.name}: ssh_config cannot be used: {why}; mend ~/.ssh/config") from error


def _open(
    connection: Connection, host: Host, limit_seconds: float, *, jump: str = "", on_key: OnKey | None = None
) -> None:
    at = Endpoint(host.name, connection.user, connection.host, int(connection.port), jump)
    trust = _trust(connection, host, is_jump=bool(jump))
    gateway = connection.gateway
    connection.connect_timeout = None  # kept on the socket and the transport instead, where a limit is an error
    connection.connect_kwargs = {"transport_factory": partial(_transport, trust, limit_seconds)}
    if gateway and not isinstance(gateway, str):
        _open(gateway, host, limit_seconds, jump=gateway.original_host)
    elif not gateway:
        connection.connect_kwargs["sock"] = _dial(at, limit_seconds)
    strategy = _Strategy(at, host.identity_file, connection.ssh_config)
    connection.config.authentication.strategy_class = lambda **_: strategy
    connection.client.set_missing_host_key_policy(_Policy(trust.name, on_key or partial(trust.require_known, at=at)))
    with _explained(at, limit_seconds):
        connection.open()


def _hops(connection: Connection) -> Iterator[Connection]:
    """The connection itself, then what it goes through."""
    while connection and not isinstance(connection, str):
        yield connection
        connection = connection.gateway


def _hang_up(connection: Connection) -> None:
    for hop in _hops(connection):
        hop.client.close()


def _dial(to: Endpoint, limit_seconds: float) -> socket.socket:
    try:
        sock = socket.create_connection((to.address, to.port), limit_seconds)
    except OSError as error:
        raise not_connected(to, error, limit_seconds) from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: notice a dead network in the middle of a long command
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENCE_SECONDS * 1000)
    return sock


def _transport(trust: Trust, limit_seconds: float, sock: socket.socket, **options: object) -> Transport:
    from paramiko import Transport

    transport = Transport(sock, default_window_size=_WINDOW_BYTES, **options)
    transport.banner_timeout = transport.handshake_timeout = limit_seconds
    transport.auth_timeout = transport.channel_timeout = limit_seconds
    security = transport.get_security_options()
    security.key_types = preferred_algorithms(trust.recorded(), security.key_types)
    security.ciphers = sorted(security.ciphers, key=lambda cipher: cipher not in _FAST_CIPHERS)
    return transport


def _trust(connection: Connection, host: Host, *, is_jump: bool) -> Trust:
    return Trust.configured(
        connection.host,
        int(connection.port),
        connection.ssh_config,
        own_file=host.known_hosts,
        own_file_only=not is_jump,
    )


@contextmanager
def _explained(at: Endpoint, limit_seconds: float) -> Iterator[None]:
    """Turn what Paramiko raises while it opens a connection into words."""
    from paramiko import ChannelException, ProxyCommandFailure, SSHException

    try:
        yield
    except ChannelException as error:
        raise at.failure(
            f"no way from the jump host to {at.address}:{at.port}: {error.text}; check both there"
        ) from error
    except ProxyCommandFailure as error:
        raise at.failure(f"ProxyCommand failed: {error.command}: {error.error}; mend ~/.ssh/config") from error
    except (SSHException, EOFError, OSError) as error:
        raise not_ssh(at, _why_not_ssh(error, limit_seconds)) from error


def _why_not_ssh(error: Exception, limit_seconds: float) -> str:
    if isinstance(error.__context__, TimeoutError):
        return f"no SSH greeting in {limit_seconds:g} s"
    if isinstance(error, EOFError) or isinstance(error.__context__, (EOFError, ConnectionError)):
        return "the server hung up (not sshd, or it turns connections away: MaxStartups, fail2ban)"
    return str(error)


@contextmanager
def _agent_keys() -> Iterator[list[Identity]]:
    """What the agent holds; it must stay connected while its keys sign."""
    from paramiko import Agent, SSHException

    try:
        agent = Agent()
    except (SSHException, OSError):
        yield []
        return
    try:
        yield [Identity(f"{key.comment or key.get_name()} (agent)", key) for key in agent.get_keys()]
    finally:
        agent.close()


def _load_key(file: Path) -> SigningKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from paramiko import PasswordRequiredException, PKey, SSHException, UnknownKeyType

    try:
        key: SigningKey = PKey.from_path(file)
    except (TypeError, PasswordRequiredException) as error:  # TypeError is how cryptography asks for a passphrase
        raise KeyEncrypted from error
    except (ValueError, SSHException, UnknownKeyType, UnsupportedAlgorithm) as error:
        raise KeyUnusable("it holds no private key that can be used") from error
    return key


def _offer(transport: Transport, user: str, key: SigningKey) -> None:
    from paramiko import BadAuthenticationType, SSHException

    try:
        missing = transport.auth_publickey(user, key)
    except BadAuthenticationType as error:
        raise KeyRefused(f"it takes no keys, only {', '.join(error.allowed_types)}", final=True) from error
    except (SSHException, EOFError, OSError) as error:
        gone = not transport.is_active()
        raise KeyRefused("it hung up after that" if gone else "", final=gone) from error
    if missing:
        raise KeyRefused(f"it also wants {', '.join(missing)}", final=True)


def _keep_quiet() -> None:
    """Paramiko logs every failure with a traceback; what matters of it is in the errors raised here."""
    logger = logging.getLogger("paramiko")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
