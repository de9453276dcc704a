from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autogrowth_ops.sandbox import SandboxError, containers
from autogrowth_ops.sandbox.state import HostRecord, SandboxState, known_hosts_text, state_of

APP1 = HostRecord(
    "app1", "autogrowth-shop-app1", 22000, 22001, 22002, "10.213.0.10", False, "ssh-ed25519 AAAA root@app1"
)


@pytest.fixture
def state(tmp_path: Path) -> SandboxState:
    return SandboxState(tmp_path)


def test_recorded_hosts_are_read_back_in_order(state: SandboxState):
    hosts = (replace(APP1, name="app2"), APP1)
    state.write(hosts)
    assert state.hosts() == hosts


def test_a_sandbox_that_was_never_created_has_no_hosts(state: SandboxState):
    assert state.hosts() == ()


def test_known_hosts_has_the_published_and_the_private_address():
    assert known_hosts_text([APP1]) == "[127.0.0.1]:22000,10.213.0.10 ssh-ed25519 AAAA\n"


def test_a_host_whose_key_is_not_known_yet_is_not_trusted():
    assert known_hosts_text([replace(APP1, public_key="")]) == ""


def test_the_private_key_is_readable_by_its_owner_only(state: SandboxState):
    state.write_identity("secret\n")
    assert state.identity_file.stat().st_mode & 0o777 == 0o600


def test_a_forgotten_sandbox_leaves_nothing(state: SandboxState):
    state.write([APP1])
    state.forget()
    assert not state.folder.exists()


@pytest.mark.parametrize("name", ["", "../up", "Shop", "-a", "a" * 41])
def test_a_name_that_cannot_be_a_containers_is_refused(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(SandboxError, match="not a name for a sandbox"):
        state_of(name)


def test_the_folder_of_sandboxes_is_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_of("shop", create=True).folder.parent.stat().st_mode & 0o777 == 0o700


def test_new_hosts_take_ports_and_addresses_that_no_other_host_has():
    first, second = containers.new_records("shop", ["app2", "app3"], [APP1], "10.213.0", bare=False)
    ports = [port for host in (APP1, first, second) for port in (host.port, host.http_port, host.https_port)]
    assert len(set(ports)) == 9
    assert (first.private_address, second.private_address) == ("10.213.0.11", "10.213.0.12")
