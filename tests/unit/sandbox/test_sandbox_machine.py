"""What the sandbox reads off the machine it runs on: package sources, authorities and rights."""

from __future__ import annotations

import pytest

from autogrowth_ops.sandbox import SandboxError
from autogrowth_ops.sandbox.capabilities import without_privileged
from autogrowth_ops.sandbox.certificates import unusual
from autogrowth_ops.sandbox.debian import source_lines

TARGETS = """\
Debian|http://mirror.test/debian/
Debian|http://mirror.test/debian/
Debian-Security|http://mirror.test/security/
Node Source|https://node.test/
"""


def test_sources_name_the_machines_own_mirror_for_the_wanted_suite():
    assert source_lines(TARGETS, "trixie") == (
        "deb http://mirror.test/debian trixie main",
        "deb http://mirror.test/debian trixie-updates main",
        "deb http://mirror.test/security trixie-security main",
    )


def test_the_first_of_several_mirrors_is_used():
    assert (
        source_lines("Debian|http://near.test\nDebian|http://far.test\n", "trixie")[0]
        == "deb http://near.test trixie main"
    )


@pytest.mark.parametrize("targets", ["", "Ubuntu|http://mirror.test/ubuntu/\n"])
def test_a_machine_without_a_debian_mirror_is_told_so(targets: str):
    with pytest.raises(SandboxError, match="neither Docker Hub nor a Debian mirror"):
        source_lines(targets, "trixie")


def pem(body: str) -> str:
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"


def test_only_authorities_beyond_the_usual_ones_are_taken():
    bundle = "\n".join((pem("usual"), pem("company"), pem("proxy")))
    assert unusual(bundle, ["# comment\n" + pem("usual").replace("\n", "\r\n")]) == (pem("company"), pem("proxy"))


def test_without_privileged_only_granted_capabilities_are_asked_for():
    words = without_privileged("Name:\tx\nCapBnd:\t0000000000000009\n")
    assert words[:6] == ("--cap-drop", "ALL", "--cap-add", "CHOWN", "--cap-add", "FOWNER")
    assert words.count("--cap-add") == 2


def test_capabilities_unknown_to_older_engines_are_never_asked_for():
    words = without_privileged("CapBnd:\t000001fffeffffff\n")
    assert not {"PERFMON", "BPF", "CHECKPOINT_RESTORE", "SYS_RESOURCE"} & set(words)
    assert words.count("--cap-add") == 37
