"""Every exit code of docs/deploying.md, on a real host."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost

from .project import APP, Project
from .sshd import free_port

BASE = f"/srv/{APP}/sandbox"
DEPLOY = ("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")
FUTURE = "from __future__ import annotations\n"
DEFECT = "\nimport autogrowth_ops.operations.deploy as broken\nbroken.prepare = lambda *_, **__: 1 / 0\n"
OWNER = '{"owner": "kim", "host": "laptop", "pid": 4711, "since": "2026-11-23T10:00:00Z", "what": "deploy r1"}'


@pytest.fixture
def serving(project: Project, restored: None) -> str:
    """The release that serves; the project's files are as they were behind the test."""
    return str(project.json(*DEPLOY)["release"])


@contextmanager
def a_lock(remote: FabricRemote) -> Iterator[None]:
    """Somebody else's, who was heard of just now."""
    made = f"mkdir {BASE}/lock && printf %s '{OWNER}' >{BASE}/lock/owner.json && touch {BASE}/lock/heartbeat"
    assert remote.run(made, timeout_seconds=30).exit_code == 0
    try:
        yield
    finally:
        remote.run(f"rm -r {BASE}/lock", timeout_seconds=30)


def serves(remote: FabricRemote) -> str:
    return remote.run(f"cat {BASE}/stack/proxy/release", timeout_seconds=30).stdout


def ends(project: Project, *words: str) -> tuple[int, str]:
    """The exit code, and the first line of the error."""
    done = project.inv(*words, check=False)
    said = next((line for line in done.stderr.splitlines() if line.startswith(("error: ", "defect"))), "")
    return done.returncode, said


def test_0_done(project: Project, remote: FabricRemote, serving: str) -> None:
    assert ends(project, *DEPLOY) == (0, "")
    assert serves(remote) == serving


def test_1_a_defect(project: Project, remote: FabricRemote, serving: str) -> None:
    tasks = project.root / "tasks.py"
    tasks.write_text(tasks.read_text() + DEFECT)
    done = project.inv(*DEPLOY, check=False, AUTOGROWTH_DEBUG="")
    assert done.returncode == 1
    assert "division by zero" in done.stderr
    assert "Traceback" not in done.stderr
    assert serves(remote) == serving


def test_2_a_wrong_configuration(project: Project, remote: FabricRemote, serving: str) -> None:
    yml = project.root / "env" / "sandbox.yml"
    yml.write_text(yml.read_text() + "\npolicys: {}\n")
    before = remote.run(f"ls -la --time-style=full-iso {BASE}", timeout_seconds=30).stdout
    code, said = ends(project, *DEPLOY)
    assert code == 2
    assert "policys" in said
    assert remote.run(f"ls -la --time-style=full-iso {BASE}", timeout_seconds=30).stdout == before


def test_3_a_host_that_gives_no_answer(project: Project, host: SandboxHost, remote: FabricRemote, serving: str) -> None:
    state = host.known_hosts.parent / "hosts.json"
    kept = state.read_text()
    state.write_text(kept.replace(f'"port": {host.port}', f'"port": {free_port()}'))
    try:
        code, said = ends(project, *DEPLOY)
    finally:
        state.write_text(kept)
    assert code == 3
    assert "sandbox1" in said
    assert serves(remote) == serving


def test_4_a_release_that_fails_is_undone(project: Project, remote: FabricRemote, serving: str) -> None:
    project.change("main.py", FUTURE, FUTURE + "raise SystemExit('no settings today')\n")
    code, said = ends(project, *DEPLOY)
    assert code == 4
    assert "no settings today" in said
    assert serves(remote) == serving


def test_5_a_rollback_that_fails_needs_a_person(project: Project, remote: FabricRemote, serving: str) -> None:
    project.change("main.py", FUTURE, FUTURE + "# newer\n")
    newer = str(project.json(*DEPLOY)["release"])
    gone = f"""while [ -f {BASE}/releases/{serving}/retires ]; do sleep 0.2; done
docker rm --force $(docker ps --all --quiet --filter label=autogrowth.release={serving}) && docker image rm {APP}-sandbox:{serving}"""
    assert remote.run(gone, timeout_seconds=60).exit_code == 0
    code, said = ends(project, "rollback", "--env=sandbox", "--wait=60s")
    assert code == 5
    assert "a person is needed" in said
    assert serves(remote) == newer
    assert json.loads(project.inv("health", "--env=sandbox", "--json").stdout)["verdict"] == "passed"


def test_6_somebody_else_has_the_lock(project: Project, remote: FabricRemote, serving: str) -> None:
    with a_lock(remote):
        code, said = ends(project, "deploy", "--env=sandbox", "--skip-tests")
    assert code == 6
    assert "kim@laptop (pid 4711)" in said


def test_7_something_is_not_healthy(project: Project, remote: FabricRemote, serving: str) -> None:
    web = f"{APP}-sandbox-{serving}-web-1"
    remote.run(f"docker stop {web}", timeout_seconds=60)
    try:
        code, _ = ends(project, "health", "--env=sandbox")
    finally:
        remote.run(f"docker start {web}", timeout_seconds=60)
    assert code == 7


def test_a_disk_that_fills_during_the_upload_undoes_the_deploy(
    project: Project, remote: FabricRemote, host: SandboxHost, serving: str
) -> None:
    (project.source / "large.bin").write_bytes(bytes(range(256)) * 40_000)
    project.commit()
    inside = ["docker", "exec", f"autogrowth-{APP}-sandbox-{host.name}", "sh", "-c"]
    small = f"""cp -a {BASE} /tmp/copy && mount -t tmpfs -o size=4m,mode=0750,uid=$(id -u deploy),gid=$(id -g deploy) tmpfs {BASE} &&
cp -a /tmp/copy/. {BASE} && chown deploy:deploy {BASE} && rm -r /tmp/copy"""
    subprocess.run([*inside, small], check=True, capture_output=True)
    yml = project.root / "env" / "sandbox.yml"
    yml.write_text(yml.read_text() + "\npolicies: {min_disk_free: 1KiB}\n")
    try:
        code, said = ends(project, *DEPLOY, "--allow-dirty")
        left = remote.run(f"ls -d {BASE}/lock {BASE}/incoming-* {BASE}/*.new 2>/dev/null", timeout_seconds=30).stdout
    finally:
        subprocess.run([*inside, f"umount {BASE}"], check=True, capture_output=True)
    assert code == 4, said
    assert "No space left on device" in said
    assert left == ""
    assert serves(remote) == serving


def test_a_disk_that_fills_during_the_build_undoes_the_deploy(
    project: Project, remote: FabricRemote, serving: str
) -> None:
    project.change("requirements.txt", "\n", "\n", "unchanged")
    templates = project.root / "templates"
    dockerfile = templates / "Dockerfile.j2"
    dockerfile.write_text(dockerfile.read_text() + "RUN dd if=/dev/zero of=/dev/shm/full bs=1M\n")
    project.commit()
    code, said = ends(project, *DEPLOY)
    assert code == 4
    assert "No space left on device" in said
    assert serves(remote) == serving
