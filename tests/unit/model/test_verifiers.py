"""Verifiers of passwords. That Postgres and Redis take them is tested on real ones in tests/hosts."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from autogrowth_ops.model.passwords import fingerprint, postgres_verifier, redis_verifier
from autogrowth_ops.model.secret import Secret

# The conversation of RFC 7677, section 3: the user `user` with the password `pencil`.
SALT = "W22ZaJ0SNY7soEsUEjb6gQ=="
NONCE = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SAID = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={NONCE},s={SALT},i=4096,c=biws,r={NONCE}"
SIGNATURE = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def verifier(password: str) -> str:
    return postgres_verifier(Secret(password), b"0123456789abcdef")


def test_a_verifier_of_postgres_keeps_the_conversation_of_the_standard():
    found = postgres_verifier(Secret("pencil"), base64.b64decode(SALT))
    server_key = base64.b64decode(found.rsplit(":", 1)[1])
    assert found.startswith(f"SCRAM-SHA-256$4096:{SALT}$")
    assert base64.b64encode(hmac.digest(server_key, SAID.encode(), "sha256")).decode() == SIGNATURE


def test_a_verifier_of_postgres_does_not_have_the_password():
    assert "pencil" not in verifier("pencil")
    assert verifier("pencil") != verifier("pencils")


@pytest.mark.parametrize(
    ("written", "prepared"),
    [
        ("비번", "비번"),
        ("Ⅸ", "IX"),
        ("a\u00ada", "aa"),
        ("é\u00a0b", "é b"),
        ("א1א", "א1א"),
    ],
)
def test_a_password_is_prepared_as_clients_do(written: str, prepared: str):
    assert verifier(written) == verifier(prepared)


@pytest.mark.parametrize("refused", ["Ⅸ🚀\U0001faf8", "Ⅸ\u0007", "Ⅸא1", "Ⅸ\u0627x\u0627", "\u00ad"])
def test_a_password_that_may_not_be_prepared_is_taken_as_it_is(refused: str):
    salted = hashlib.pbkdf2_hmac("sha256", refused.encode(), b"0123456789abcdef", 4096)
    server_key = base64.b64encode(hmac.digest(salted, b"Server Key", "sha256")).decode()
    assert verifier(refused).endswith(f":{server_key}")


def test_redis_gets_a_hash_as_a_rule():
    assert redis_verifier(Secret("비번")) == f"#{hashlib.sha256('비번'.encode()).hexdigest()}"


def test_redis_without_password_takes_any():
    assert redis_verifier(Secret("")) == "nopass"


def test_a_fingerprint_depends_on_names_values_and_salt():
    some = {"a": Secret("1"), "b": Secret("2")}
    others = [{**some, "b": Secret("3")}, {"a": Secret("1"), "c": Secret("2")}, {"a": Secret("1")}]
    found = [fingerprint(some, "shop"), fingerprint(some, "other"), *(fingerprint(one, "shop") for one in others)]
    assert len(set(found)) == len(found)
    assert {len(one) for one in found} == {16}


def test_a_fingerprint_does_not_depend_on_the_order():
    assert fingerprint({"a": Secret("1"), "b": Secret("2")}, "s") == fingerprint(
        {"b": Secret("2"), "a": Secret("1")}, "s"
    )


def test_no_secrets_have_no_fingerprint():
    assert fingerprint({}, "shop") == ""
