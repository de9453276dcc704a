"""Passwords of the datastores: verifiers, with which nobody can log in, and a name for a set of passwords."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import stringprep
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from .secret import Secret

ITERATIONS = 4096
SALT_BYTES = 16
PROHIBITED = (
    stringprep.in_table_a1,
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def fingerprint(secrets: Mapping[str, Secret], salt: str) -> str:
    """A name for exactly these secrets, 16 hexadecimal digits, too slow to make for guessing them; "" for none."""
    if not secrets:
        return ""
    return _slow_name(json.dumps({name: secret.reveal() for name, secret in secrets.items()}, sort_keys=True), salt)


@lru_cache(maxsize=64)
def _slow_name(text: str, salt: str) -> str:
    """It is asked for several times a deploy, and takes a twentieth of a second."""
    return hashlib.scrypt(text.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=8).hex()


def postgres_verifier(password: Secret, salt: bytes) -> str:
    """What Postgres keeps of a password (SCRAM-SHA-256, RFC 5803); `salt` is SALT_BYTES random bytes."""
    text = _prepared(password.reveal()).encode()
    salted = hashlib.pbkdf2_hmac("sha256", text, salt, ITERATIONS)
    client, server = (hmac.digest(salted, key, "sha256") for key in (b"Client Key", b"Server Key"))
    stored = hashlib.sha256(client).digest()
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${ITERATIONS}:{salt64}${stored64}:{server64}"


def redis_verifier(password: Secret) -> str:
    """What Redis keeps of a password (SHA-256), as a rule for its access control list; `nopass` for an empty one."""
    return f"#{hashlib.sha256(password.reveal().encode()).hexdigest()}" if password.reveal() else "nopass"


def _prepared(text: str) -> str:
    """The text as servers and clients of Postgres prepare it (SASLprep, RFC 4013); one that is not allowed as it is."""
    if text.isascii():
        return text
    spaced = (" " if stringprep.in_table_c12(one) else one for one in text if not stringprep.in_table_b1(one))
    found = unicodedata.normalize("NFKC", "".join(spaced))
    return found if found and not _is_refused(found) else text


def _is_refused(text: str) -> bool:
    if any(is_in_table(one) for one in text for is_in_table in PROHIBITED):
        return True
    is_right_to_left = [stringprep.in_table_d1(one) for one in text]
    if not any(is_right_to_left):
        return False
    return any(map(stringprep.in_table_d2, text)) or not (is_right_to_left[0] and is_right_to_left[-1])
