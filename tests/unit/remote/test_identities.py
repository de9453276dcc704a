import base64
from pathlib import Path

import pytest

from autogrowth_ops.errors import Unreachable
from autogrowth_ops.remote.failures import Endpoint
from autogrowth_ops.remote.identities import Identity, KeyEncrypted, KeyRefused, KeyUnusable, Login, Wallet, wallet_for

AT = Endpoint("app1", "deploy", "10.0.0.5", 22)


class Key:
    def __init__(self, public):
        self.public = public

    def asbytes(self):
        return self.public


def load(file):
    if "locked" in file.name:
        raise KeyEncrypted
    if "broken" in file.name:
        raise KeyUnusable("it holds no private key that can be used")
    return Key(file.name.encode())


def offered(wallet):
    """Every key a server sees that takes none, and what is said then."""
    seen = []

    def refuse(key):
        seen.append(key.asbytes())
        raise KeyRefused

    with pytest.raises(Unreachable) as failed:
        Login(AT, wallet, load, refuse).log_in()
    return seen, str(failed.value)


def test_files_are_offered_before_the_other_keys_of_the_agent():
    agent = [Identity("one", Key(b"one")), Identity("two", Key(b"two"))]

    assert offered(Wallet([Path("two")], agent))[0] == [b"two", b"one"]


def test_an_encrypted_file_is_stood_in_for_by_the_agent(tmp_path):
    (tmp_path / "locked.pub").write_text(f"ssh-ed25519 {base64.b64encode(b'mine').decode()} me")
    agent = [Identity("other", Key(b"other")), Identity("locked", Key(b"mine"))]

    assert offered(Wallet([tmp_path / "locked"], agent, only_files=True))[0] == [b"mine"]


def test_identities_only_keeps_the_agents_other_keys_back():
    assert offered(Wallet([Path("id")], [Identity("one", Key(b"one"))], only_files=True))[0] == [b"id"]


def test_refused_keys_are_named():
    said = offered(Wallet([Path("/keys/id_a"), Path("/keys/id_b")], []))[1]

    assert said.startswith("app1: login failed: deploy@10.0.0.5 refused id_a, id_b; check the user")


def test_an_encrypted_key_is_named_besides_those_refused():
    said = offered(Wallet([Path("id_a"), Path("id_locked")], []))[1]

    assert "deploy@10.0.0.5 refused id_a; id_locked is encrypted and the agent does not hold it; run: ssh-add" in said


def test_an_unusable_file_counts_only_if_it_was_asked_for():
    with pytest.raises(Unreachable, match="identity file cannot be read: broken: it holds no private key"):
        Login(AT, Wallet([Path("broken")], [], required=Path("broken")), load, lambda _: None).log_in()

    assert offered(Wallet([Path("broken"), Path("id")], []))[0] == [b"id"]


def test_after_a_final_refusal_no_other_key_is_offered():
    def hang_up(_key):
        raise KeyRefused("it also wants keyboard-interactive", final=True)

    with pytest.raises(Unreachable, match=r"refused a \(it also wants keyboard-interactive\)"):
        Login(AT, Wallet([Path("a"), Path("b")], []), load, hang_up).log_in()


@pytest.mark.parametrize(
    ("own", "configured", "files"),
    [
        ("", {}, ["id_ed25519", "id_ecdsa", "id_rsa"]),
        ("/id_own", {}, ["id_own"]),
        ("", {"identityfile": ["/id_a", "none"]}, ["id_a"]),
        ("/id_own", {"identityfile": ["/id_a"]}, ["id_own", "id_a"]),
    ],
)
def test_which_files_are_looked_at(own, configured, files):
    assert [file.name for file in wallet_for(own, configured, []).files] == files
