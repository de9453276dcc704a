"""One sandbox host as a container on the local engine: create, start, wait for it, fill it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from autogrowth_ops.clock import SystemClock, wait_until
from autogrowth_ops.sandbox import SandboxError
from autogrowth_ops.sandbox.shell import Report, attempt, docker, pipe
from autogrowth_ops.sandbox.state import HostRecord

ADDRESS = "127.0.0.1"
SANDBOX_LABEL = "autogrowth.sandbox"
HOST_LABEL = "autogrowth.host"
PORTS = range(22000, 32000)  # below the ports that the kernel hands out, so that they are still free at a restart
SUBNETS = tuple(f"10.213.{number}" for number in range(256))  # outside the ranges that inner engines choose from
FIRST_HOST_NUMBER = 10
READY_SECONDS = 90.0

_READ_KEY = ("cat", "/etc/ssh/ssh_host_ed25519_key.pub")


@dataclass(frozen=True)
class Mould:
    """What all new hosts of one call share."""

    sandbox: str
    image: str
    rights: tuple[str, ...]
    authorized_key: str


def container_name(sandbox: str, host: str) -> str:
    """Name of the host's container on the local engine."""
    return f"autogrowth-{sandbox}-{host}"


def network_name(sandbox: str) -> str:
    """Name of the network that the sandbox's hosts share."""
    return f"autogrowth-{sandbox}"


def create(record: HostRecord, mould: Mould) -> None:
    """Create and start the container; leaves nothing behind if that fails."""
    remove([record.container], [_volume(record)])
    labels = ("--label", f"{SANDBOX_LABEL}={mould.sandbox}")
    docker("volume", "create", *labels, _volume(record))
    words = ["--detach", "--init", "--name", record.container, "--hostname", record.name, *labels, *mould.rights]
    words += ["--label", f"{HOST_LABEL}={record.name}", "--env", f"AUTHORIZED_KEY={mould.authorized_key}"]
    words += ["--network", network_name(mould.sandbox), "--network-alias", record.name, "--ip", record.private_address]
    words += ["--volume", f"{_volume(record)}:/var/lib/docker", *_published(record)]
    try:
        docker("run", *words, mould.image)
    except SandboxError:
        remove([record.container], [_volume(record)])
        raise


def start(record: HostRecord) -> None:
    """Start the stopped or paused container; its published ports and its address stay."""
    attempt(["docker", "unpause", record.container])
    docker("start", record.container)


def remove(containers: Sequence[str], volumes: Sequence[str]) -> None:
    """Remove containers and volumes, those that are not there too."""
    if containers:
        attempt(["docker", "rm", "--force", "--volumes", *containers])
    if volumes:
        attempt(["docker", "volume", "rm", "--force", *volumes])


def remove_sandbox(sandbox: str) -> tuple[str, ...]:
    """Remove all that the engine has of a sandbox; returns the names of its hosts."""
    present = states(sandbox)
    volumes = docker("volume", "ls", "--quiet", "--filter", f"label={SANDBOX_LABEL}={sandbox}").split()
    remove([container_name(sandbox, name) for name in present], volumes)
    attempt(["docker", "network", "rm", network_name(sandbox)])
    return tuple(sorted(present))


def wait_until_ready(record: HostRecord) -> HostRecord:
    """The record with the host's public key, once sshd and, on a full host, the engine answer."""
    _wait_for(lambda: _greets(record.port), f"{record.name}: sshd")
    if not record.is_bare:
        _wait_for(lambda: _inside(record, "docker", "info") is not None, f"{record.name}: docker")
    return replace(record, public_key=docker("exec", record.container, *_READ_KEY))


def load_images(record: HostRecord, images: Sequence[str], report: Report) -> None:
    """Bring the images that the host's engine lacks, or has in another version, from the local engine."""
    wanted = {image: docker("image", "inspect", "--format", "{{.Id}}", image) for image in images}
    lacking = [name for name, digest in wanted.items() if _image_id(record, name) != digest]
    if not lacking:
        return
    began = time.monotonic()
    load = ["docker", "exec", "--interactive", record.container, "docker", "load", "--quiet"]
    pipe(["docker", "save", *lacking], load)
    report(f"{record.name}: loaded {', '.join(lacking)} ({time.monotonic() - began:.0f} s)")


def states(sandbox: str) -> Mapping[str, str]:
    """Host name -> the container's state ("running", "exited", ...), for the containers that exist."""
    shown = f'{{{{.Label "{HOST_LABEL}"}}}} {{{{.State}}}}'
    answer = attempt(["docker", "ps", "--all", "--filter", f"label={SANDBOX_LABEL}={sandbox}", "--format", shown])
    if answer.returncode:
        raise SandboxError(f"{sandbox}: the engine does not list its containers: {answer.stderr.strip()}")
    return dict(line.split(" ", 1) for line in answer.stdout.splitlines() if " " in line)


def ensure_network(sandbox: str) -> str:
    """First three numbers of the /24 that the sandbox's network has; the network is created if it is missing."""
    shown = ("--format", "{{(index .IPAM.Config 0).Subnet}}")
    found = attempt(["docker", "network", "inspect", *shown, network_name(sandbox)])
    if found.returncode == 0:
        return found.stdout.strip().rpartition(".")[0]
    for prefix in SUBNETS:
        words = ["--subnet", f"{prefix}.0/24", "--label", f"{SANDBOX_LABEL}={sandbox}", network_name(sandbox)]
        created = attempt(["docker", "network", "create", *words])
        if created.returncode == 0:
            return prefix
        if "overlap" not in created.stderr:
            raise SandboxError(f"{sandbox}: no network: {created.stderr.strip()}")
    raise SandboxError(f"{sandbox}: no network: all of {SUBNETS[0]}.0 to {SUBNETS[-1]}.0 are in use")


def free_ports(taken: Collection[int]) -> Iterator[int]:
    """Ports on 127.0.0.1 that nobody listens on and that are not in `taken`, lowest first."""
    return (port for port in PORTS if port not in taken and is_free(port))


def new_records(
    sandbox: str, names: Sequence[str], taken: Sequence[HostRecord], prefix: str, *, bare: bool
) -> list[HostRecord]:
    """Records for `names` with ports and private addresses that none of the hosts in `taken` has."""
    used = {port for host in taken for port in (host.port, host.http_port, host.https_port)}
    ports = free_ports(used)
    addresses = (f"{prefix}.{number}" for number in range(FIRST_HOST_NUMBER, 255))
    inside = {host.private_address for host in taken}
    free = (address for address in addresses if address not in inside)
    return [
        HostRecord(name, container_name(sandbox, name), next(ports), next(ports), next(ports), next(free), bare)
        for name in names
    ]


def _volume(record: HostRecord) -> str:
    return f"{record.container}-docker"


def _published(record: HostRecord) -> list[str]:
    pairs = ((record.port, 22), (record.http_port, 80), (record.https_port, 443))
    return [word for outer, inner in pairs for word in ("--publish", f"{ADDRESS}:{outer}:{inner}")]


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of the loopback address."""
    with closing(socket.socket()) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((ADDRESS, port))
        except OSError:
            return False
        return True


def _greets(port: int) -> bool:
    try:
        with socket.create_connection((ADDRESS, port), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _inside(record: HostRecord, *words: str) -> str | None:
    """Output of a command in the host; None if it failed."""
    answer = attempt(["docker", "exec", record.container, *words], timeout_seconds=30)
    return None if answer.returncode else answer.stdout.strip()


def _image_id(record: HostRecord, image: str) -> str | None:
    return _inside(record, "docker", "image", "inspect", "--format", "{{.Id}}", image)


def _wait_for(is_true: Callable[[], bool], what: str) -> None:
    if not wait_until(is_true, SystemClock(), timeout_seconds=READY_SECONDS, interval_seconds=0.1):
        raise SandboxError(f"{what} does not answer after {READY_SECONDS:g} s; remove the sandbox and try again")
