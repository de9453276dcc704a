from pathlib import Path

import pytest

from autogrowth_ops.errors import HostError, Unreachable
from autogrowth_ops.model.environment import Host
from autogrowth_ops.remote import HostKey, record_host_key
from autogrowth_ops.remote.failures import Endpoint
from autogrowth_ops.remote.trust import Trust

KEY = HostKey("app1", "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAINEW")
HOST = Host(name="prod1", address="app1")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_the_users_folder_is_made_for_its_owner_only(home):
    file = record_host_key(HOST, KEY, replace=False)

    assert file == home / ".ssh/known_hosts"
    assert [path.stat().st_mode & 0o777 for path in (file.parent, file)] == [0o700, 0o600]


def test_a_link_stays_a_link(home):
    (home / ".ssh").mkdir()
    (home / ".ssh/known_hosts").symlink_to(home / "elsewhere")

    record_host_key(HOST, KEY, replace=False)

    assert (home / "elsewhere").read_text() == KEY.known_hosts_line + "\n"
    assert (home / ".ssh/known_hosts").is_symlink()


def test_an_alias_is_recorded_where_ssh_config_says(home):
    (home / ".ssh").mkdir()
    (home / ".ssh/config").write_text("Host app1\n  UserKnownHostsFile ~/one ~/two\n")

    assert record_host_key(HOST, KEY, replace=False) == home / "one"


def test_a_file_that_cannot_be_written_is_said(home):
    (home / "file").write_text("")

    with pytest.raises(HostError, match="prod1: host key not recorded: .*file/known"):
        record_host_key(Host(name="prod1", address="app1", known_hosts=f"{home}/file/known"), KEY, replace=False)


def test_the_hosts_own_file_is_the_only_one_that_counts():
    trust = Trust.configured("App1", 2222, {}, own_file="/mine", own_file_only=True)

    assert trust == Trust("[app1]:2222", (Path("/mine"),))


def test_a_host_key_alias_is_the_name():
    assert Trust.configured("app1", 2222, {"hostkeyalias": "one"}, own_file="", own_file_only=True).name == "one"


def test_a_changed_key_of_a_jump_host_says_how_to_replace_it(home):
    file = home / "known"
    file.write_text("app1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOLD\n")

    with pytest.raises(
        Unreachable, match="jump host bastion: host key has CHANGED.*run: ssh-keygen -R 'app1'; ssh bastion"
    ):
        Trust("app1", (file,)).require_known(KEY, Endpoint("prod1", "deploy", "app1", 22, "bastion"))
