"""Which environment a task gets: its own hosts or stand-ins, and with which secrets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autogrowth_ops.config import PLACEHOLDER
from autogrowth_ops.errors import ConfigError, HostUnready, UsageError
from autogrowth_ops.model.environment import Environment
from autogrowth_ops.operations import rehearsal
from autogrowth_ops.sandbox.state import HostRecord, SandboxState, state_of

YAML = """
app: {name: shop, services: {web: {port: 8000}}}
hosts: {app1: {address: 203.0.113.10, private_address: 10.0.0.4}}
secrets: [POSTGRES_PASSWORD]
"""
Load = Callable[..., Environment]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load an environment of a project with production, the same as a sandbox, and development."""
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "production.yml").write_text(YAML)
    (tmp_path / "env" / "sandbox.yml").write_text(f"{YAML}sandbox: true\n")
    (tmp_path / "env" / "development.yml").write_text("app: {name: shop, services: {web: {}}}\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def load(name: str = "production", **options: bool) -> Environment:
        return rehearsal.load(name, tmp_path, **{"sandbox": False, "need_secrets": False, **options})

    return load


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody who listens on a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def stand_in(load: Load, listener: socket.socket) -> SandboxState:
    """The sandbox of production, whose host runs."""
    state = state_of("shop-production", create=True)
    port = listener.getsockname()[1]
    state.write([HostRecord("app1", "autogrowth-shop-production-app1", port, 1, 2, "10.213.0.10", False)])
    return state


def test_a_stand_in_takes_the_place_of_a_host(load: Load, stand_in: SandboxState, listener: socket.socket):
    host = load(sandbox=True).hosts["app1"]
    assert (host.address, host.port, host.user) == (*listener.getsockname(), "deploy")
    assert (host.identity_file, host.known_hosts) == (str(stand_in.identity_file), str(stand_in.known_hosts))
    assert host.private_address == "10.213.0.10"


@pytest.mark.parametrize("need_secrets", [False, True])
def test_a_rehearsal_is_known_as_one(load: Load, stand_in: SandboxState, need_secrets: bool):
    environment = load(sandbox=True, need_secrets=need_secrets)
    assert (environment.sandbox, environment.options) == (True, "--env=production --sandbox")


def test_a_sandbox_of_its_own_has_stand_ins_unasked(load: Load, stand_in: SandboxState):
    state_of("shop-sandbox", create=True).write(stand_in.hosts())
    environment = load("sandbox")
    assert (environment.hosts["app1"].address, environment.options) == ("127.0.0.1", "--env=sandbox")


@pytest.mark.parametrize("need_secrets", [False, True])
def test_nothing_falls_back_to_the_real_host(
    load: Load, stand_in: SandboxState, listener: socket.socket, need_secrets: bool
):
    listener.close()
    with pytest.raises(HostUnready, match=r"app1: no sandbox host runs; run: inv sandbox\.up --env=production"):
        load(sandbox=True, need_secrets=need_secrets)


def test_made_up_secrets_of_a_sandbox_stay(load: Load, stand_in: SandboxState):
    first = load(sandbox=True, need_secrets=True).secret_values
    assert first["POSTGRES_PASSWORD"] != PLACEHOLDER
    assert load(sandbox=True, need_secrets=True).secret_values == first
    assert load(sandbox=True, need_secrets=False).secret_values == first


def test_looking_makes_up_no_secret(load: Load, stand_in: SandboxState):
    assert load(sandbox=True).secret_values == {"POSTGRES_PASSWORD": PLACEHOLDER}
    assert not rehearsal.secrets_file("shop-production").exists()


def test_real_hosts_want_secrets_of_a_persons_choice(load: Load):
    assert load().hosts["app1"].address == "203.0.113.10"
    with pytest.raises(ConfigError, match="no value for POSTGRES_PASSWORD"):
        load(need_secrets=True)


def test_an_environment_without_hosts_runs_on_this_machine(load: Load):
    with pytest.raises(UsageError, match=r"no hosts: it runs on this machine; run: inv dev\.up --env=development"):
        load("development", need_hosts=True)
