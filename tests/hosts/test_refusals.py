"""What is refused before anything changes: each with its own message and exit code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost

from .project import Project

YML = """\
hosts:
  direct1:
    address: 127.0.0.1
    port: {port}
    user: {user}
    identity_file: {identity}
    known_hosts: {known_hosts}
secrets: [POSTGRES_PASSWORD]
{more}
"""


@pytest.fixture
def direct(project: Project, host: SandboxHost) -> Iterator[dict[str, object]]:
    """Writes env/direct.yml: the sandbox host as a server of one's own, with what the test wants different."""
    file = project.root / "env" / "direct.yml"
    values: dict[str, object] = {
        "port": host.port, "user": host.user, "identity": host.identity_file, "known_hosts": host.known_hosts, "more": "",
        "file": file,
    }  # fmt: skip
    yield values
    file.unlink(missing_ok=True)


def deploy(project: Project, values: dict[str, object]) -> tuple[int, str]:
    Path(str(values["file"])).write_text(YML.format(**values))
    secrets = {"POSTGRES_PASSWORD": "one", "REDIS_PASSWORD": "two"}
    done = project.inv("deploy", "--env=direct", "--skip-tests", check=False, **secrets)
    return done.returncode, done.stderr


def test_an_unknown_host_key_is_refused_until_it_is_recorded(
    project: Project, direct: dict[str, object], tmp_path: Path
) -> None:
    direct["known_hosts"] = tmp_path / "known_hosts"
    code, said = deploy(project, direct)
    assert code == 3
    assert "SHA256:" in said
    assert "inv hosts.trust --host=direct1" in said
    assert project.inv("hosts.trust", "--host=direct1", check=False).returncode == 2
    project.inv("hosts.trust", "--host=direct1", "--yes")
    assert project.inv("releases", "--env=direct").stdout.startswith("no release yet")


def test_a_wrong_user_is_refused(project: Project, direct: dict[str, object]) -> None:
    direct["user"] = "nobody-we-know"
    code, said = deploy(project, direct)
    assert code == 3
    assert "nobody-we-know" in said


def test_a_closed_port_is_refused(project: Project, direct: dict[str, object]) -> None:
    direct["port"] = 1
    code, said = deploy(project, direct)
    assert code == 3
    assert "direct1" in said
    assert "refused" in said


def test_too_little_disk_is_refused(project: Project, direct: dict[str, object]) -> None:
    direct["more"] = "policies:\n  min_disk_free: 900000GiB"
    code, said = deploy(project, direct)
    assert code == 3
    assert "min_disk_free is 900000GiB" in said


def test_a_user_who_may_not_use_docker_is_refused(
    project: Project, direct: dict[str, object], remote: FabricRemote, host: SandboxHost
) -> None:
    make = """set -e
sudo useradd --create-home --shell /bin/sh plain
sudo install -d -m 700 -o plain -g plain /home/plain/.ssh
sudo install -m 600 -o plain -g plain ~/.ssh/authorized_keys /home/plain/.ssh/authorized_keys"""
    assert remote.run(make, timeout_seconds=30).exit_code == 0
    try:
        direct["user"] = "plain"
        code, said = deploy(project, direct)
    finally:
        remote.run("sudo userdel --remove plain", timeout_seconds=30)
    assert code == 3
    assert "user plain may not use Docker" in said
    assert "usermod -aG docker plain" in said


@pytest.mark.parametrize("hidden", ["docker", "docker-compose"])
def test_missing_docker_or_compose_is_refused(
    project: Project, direct: dict[str, object], remote: FabricRemote, hidden: str
) -> None:
    path = "/usr/bin/docker" if hidden == "docker" else "/usr/libexec/docker/cli-plugins/docker-compose"
    remote.run(f"sudo mv {path} {path}.hidden", timeout_seconds=30)
    try:
        code, said = deploy(project, direct)
    finally:
        remote.run(f"sudo mv {path}.hidden {path}", timeout_seconds=30)
    assert code == 3
    assert "inv setup --env=direct" in said
    assert ("Docker is not installed" if hidden == "docker" else "Compose plugin is not installed") in said


WRONG_WORDS = [
    (["deploy", "--env=productoin"], 2, "production"),
    (["deploy", "--version=no-such-ref", "--env=sandbox"], 2, "no-such-ref"),
    (["rollback", "--env=sandbox", "--to=nonsense"], 2, "there are"),
    (["checklist", "--host=nobody"], 2, "nobody"),
    (["logs", "--env=sandbox", "--service=wbe"], 2, "there are: web"),
    (["exec", "--env=sandbox"], 2, "no command"),
    (["exec", "--env=sandbox", "--service=wbe", "--", "ls"], 2, "there are: web"),
    (["render", "--env=sandbox", "--file=nothing"], 2, "there are"),
    (["lock.release", "--env=sandbox"], 2, "not locked"),
    (["deploy", "--env=production", "--sandbox"], 3, "inv sandbox.up --env=production"),
]


@pytest.mark.parametrize(("words", "code", "expected"), WRONG_WORDS)
def test_wrong_words_get_a_clear_error(project: Project, words: list[str], code: int, expected: str) -> None:
    done = project.inv(*words, check=False)
    assert done.returncode == code
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
