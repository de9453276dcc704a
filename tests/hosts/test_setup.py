"""`inv setup` on real bare servers: Debian 13 with sshd, as a provider hands them over."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from autogrowth_ops.sandbox import lifecycle
from autogrowth_ops.sandbox.hosts import SandboxHost
from autogrowth_ops.sandbox.images import BASE_IMAGES, ensure_base_images

from .choosing import thorough
from .project import APP, INV, Project, make_project

SANDBOX = f"setup-{os.getpid()}"
FOLDER = f"/srv/{APP}-setup/bare"
UNSETTLED = 'dpkg-query --show --showformat "\\${db:Status-Abbrev}\\n" "docker*" containerd runc 2>/dev/null | grep -q "^.[UFH]"'
OLD_APT_CACHE = """#!/bin/sh
case $2 in
docker-compose) echo '  Candidate: 1.29.2-3' ;;
docker-buildx* | docker-compose-* | docker-ce*) ;;
*) exec /usr/bin/apt-cache "$@" ;;
esac
"""


@dataclass(frozen=True)
class Server:
    """A bare server, the project that declares it as environment `bare`, and a way in behind its back."""

    project: Project
    host: SandboxHost

    def root(self, script: str) -> str:
        """What a script printed that root ran on it."""
        words = ["docker", "exec", self.container, "sh", "-euc", script]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    def inv(self, *words: str, user: str = "deploy") -> subprocess.CompletedProcess[str]:
        """Run `inv setup` with the server declared as `user`'s."""
        self.project.root.joinpath("env/bare.yml").write_text(environment(self.host, user))
        return self.project.inv("setup", "--env=bare", *words, check=False)

    @property
    def container(self) -> str:
        """Its name on this machine."""
        return f"autogrowth-{SANDBOX}-{self.host.name}"

    def start(self) -> subprocess.Popen[str]:
        """`inv setup` in a process of its own."""
        self.project.root.joinpath("env/bare.yml").write_text(environment(self.host, "deploy"))
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [str(INV), "setup", "--env=bare"], cwd=self.project.root, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
        )  # fmt: skip

    def kill_behind_a_step(self) -> str:
        """Run `inv setup` and kill it when it has done its first step: what that was; empty if nothing was left to do."""
        with self.start() as setup:
            assert setup.stderr
            said = []
            for line in setup.stderr:
                said.append(line)
                if line.startswith("✓"):
                    setup.kill()
                    return line.split("  ")[0]
            setup.wait()
        assert setup.returncode == 0, said
        return ""

    def states(self, *words: str, user: str = "deploy") -> dict[str, str]:
        """State of each item as `inv setup --json` printed it."""
        done = self.inv(*words, "--json", user=user)
        assert done.returncode == 0, done.stderr
        return {item["item"]: item["state"] for item in json.loads(done.stdout)[0]["items"]}


def environment(host: SandboxHost, user: str) -> str:
    return (
        f"hosts:\n  bare1:\n    address: {host.address}\n    port: {host.port}\n    user: {user}\n"
        f"    identity_file: {host.identity_file}\n    known_hosts: {host.known_hosts}\n"
        "stack:\n  redis:\n    password_secret: REDIS_PASSWORD\nsecrets: [POSTGRES_PASSWORD, REDIS_PASSWORD]\n"
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    project = make_project(tmp_path_factory.mktemp("setup"), f"{APP}-setup")
    (project.root / "env/bare.env").write_text((project.root / "env/production.env").read_text())
    try:
        yield Server(project, lifecycle.up(SANDBOX, ["bare1"], bare=True, report=print)[0])
    finally:
        lifecycle.down(SANDBOX)


@pytest.fixture
def no_sources(server: Server) -> Iterator[None]:
    """No package source answers."""
    server.root("mkdir /root/apt && mv /etc/apt/sources.list* /root/apt && rm -rf /var/lib/apt/lists/*")
    server.root("echo 'deb http://127.0.0.1:9/debian trixie main' > /etc/apt/sources.list")
    yield
    server.root("rm /etc/apt/sources.list && mv /root/apt/* /etc/apt/ && rmdir /root/apt")


@pytest.fixture
def only_compose_1(server: Server) -> Iterator[None]:
    """Packages as Debian 12 has them: no buildx, and a docker-compose that is Compose 1."""
    server.root(f"cat > /usr/local/bin/apt-cache <<'END'\n{OLD_APT_CACHE}END\nchmod 755 /usr/local/bin/apt-cache")
    yield
    server.root("rm /usr/local/bin/apt-cache")


def test_a_dry_run_says_what_is_missing_and_touches_nothing(server: Server) -> None:
    before = server.root("dpkg-query -W | md5sum; ls /srv /etc")
    states = server.states("--dry-run")
    assert states["user"] == "already"
    assert {states[key] for key in ("folder", "daemon", "packages", "start", "group", "rotation")} == {"missing"}
    assert server.root("dpkg-query -W | md5sum; ls /srv /etc") == before


def test_a_user_without_rights_is_refused(server: Server) -> None:
    server.root(
        "useradd --create-home plain && cp -r /home/deploy/.ssh /home/plain/ && chown -R plain: /home/plain/.ssh"
    )
    done = server.inv(user="plain")
    assert done.returncode == 3
    assert "user plain is neither root nor may use sudo without a password" in done.stderr
    assert "--login=root" in done.stderr


def test_a_system_that_is_not_debian_is_refused(server: Server) -> None:
    server.root("cp -P /etc/os-release /root/os-release; rm /etc/os-release")
    server.root("printf 'ID=fedora\\nPRETTY_NAME=\"Fedora Linux 43\"\\n' > /etc/os-release")
    done = server.inv()
    server.root("rm /etc/os-release; mv /root/os-release /etc/os-release")
    assert done.returncode == 3
    assert "Fedora Linux 43 is neither Debian nor Ubuntu; install by hand" in done.stderr


@pytest.mark.usefixtures("no_sources")
def test_package_sources_that_do_not_answer_are_named(server: Server) -> None:
    done = server.inv()
    assert done.returncode == 3
    assert "packages cannot be fetched" in done.stderr
    assert "127.0.0.1" in done.stderr


@pytest.mark.usefixtures("only_compose_1")
def test_a_distribution_without_compose_2_is_refused_with_what_to_do(server: Server) -> None:
    done = server.inv()
    assert done.returncode == 3
    assert "has no package for Compose 2, buildx; use Debian 13" in done.stderr


def test_a_server_that_goes_down_while_it_is_made_ready_can_be_made_ready_again(server: Server) -> None:
    with server.start() as setup:
        server.root(f"timeout 120 sh -c 'until {UNSETTLED}; do sleep 0.02; done'")
        subprocess.run(["docker", "restart", "--time", "0", server.container], check=True, capture_output=True)
        said = setup.communicate(timeout=120)[1]
    assert setup.returncode == 3, said
    assert "connection" in said
    server.root(UNSETTLED)
    assert server.states("--dry-run")["packages"] == "missing"


def test_a_killed_setup_goes_on_where_it_was_and_leaves_a_ready_server(server: Server) -> None:
    done = [server.kill_behind_a_step() for _ in range(8)]
    made = [step for step in done if step]
    assert made, done  # what was killed may have come further than it could say
    assert len(set(made)) == len(made), "a step was done twice"
    assert set(server.states().values()) == {"already"}


def test_a_bare_server_has_become_ready(server: Server) -> None:
    assert server.root(f"stat -c '%U %a' {FOLDER}") == "deploy 750\n"
    assert server.root("su deploy -c 'docker compose version --short'").startswith("2.")
    assert json.loads(server.root("cat /etc/docker/daemon.json"))["log-opts"] == {"max-size": "20m", "max-file": "5"}


def test_the_steps_are_in_the_log_of_the_environment(server: Server) -> None:
    entries = [json.loads(line) for line in server.root(f"cat {FOLDER}/audit.jsonl").splitlines()]
    assert {"packages", "start", "group"} <= {entry["step"] for entry in entries}
    assert "packages" in {entry["step"] for entry in entries if entry["outcome"] == "done"}
    assert server.root(f"stat -c '%U' {FOLDER}/audit.jsonl") == "deploy\n"


def test_a_second_run_changes_nothing(server: Server) -> None:
    before = server.root(f"dpkg-query -W | md5sum; pidof dockerd; md5sum /etc/docker/* {FOLDER}/audit.jsonl")
    assert set(server.states().values()) == {"already"}
    assert "nothing had to be changed" in server.inv().stdout
    assert server.root(f"dpkg-query -W | md5sum; pidof dockerd; md5sum /etc/docker/* {FOLDER}/audit.jsonl") == before


@thorough
def test_a_server_that_was_made_ready_can_be_deployed_to(server: Server) -> None:
    ensure_base_images(print)
    load = f"docker save {' '.join(BASE_IMAGES)} | docker exec -i autogrowth-{SANDBOX}-bare1 docker load --quiet"
    subprocess.run(load, shell=True, check=True, capture_output=True)
    server.project.commit("declare the server")
    server.project.inv("deploy", "--env=bare", "--skip-tests", POSTGRES_PASSWORD="a", REDIS_PASSWORD="b")
    assert "healthy" in server.root("curl --silent http://127.0.0.1/health")


def test_the_log_of_steps_is_rotated(server: Server) -> None:
    server.root(f"logrotate --force /etc/logrotate.d/{APP}-setup-bare; test -f {FOLDER}/audit.jsonl.1")


def test_another_user_is_made_by_one_who_may(server: Server) -> None:
    states = server.states("--login=deploy", user="operator")
    assert states["user"] == states["folder"] == states["group"] == "changed"
    assert states["packages"] == "already"
    assert server.root(f"stat -c '%U %a' {FOLDER}") == "operator 750\n"


def test_root_makes_a_user_to_deploy_as(server: Server) -> None:
    server.root(
        "install -d -m 700 /root/.ssh && cp /home/deploy/.ssh/authorized_keys /root/.ssh/ && userdel --force --remove deploy; "
        "sed -i 's/PermitRootLogin no/PermitRootLogin yes/' /etc/ssh/sshd_config.d/sandbox.conf && "
        "kill -HUP $(cat /run/sshd.pid)"
    )
    done = server.inv(user="root")
    assert done.returncode == 0, done.stderr
    assert "deploy as deploy, not as root: write `user: deploy` in env/bare.yml" in done.stdout
    assert server.root(f"stat -c '%U' {FOLDER} {FOLDER}/audit.jsonl") == "deploy\ndeploy\n"


def test_settings_of_docker_that_were_there_stay(server: Server) -> None:
    server.root("""printf '{"debug": false, "log-opts": {"labels": "x"}}' > /etc/docker/daemon.json""")
    assert server.states(user="root")["daemon"] == "changed"
    found = json.loads(server.root("cat /etc/docker/daemon.json"))
    assert found["debug"] is False
    assert found["log-opts"] == {"max-size": "20m", "max-file": "5", "labels": "x"}


def test_docker_is_not_restarted_under_running_containers(server: Server) -> None:
    server.root("printf '{}' > /etc/docker/daemon.json")
    files = "$(ldd /usr/bin/sleep | grep -o '/[^ ]*') /usr/bin/sleep"
    server.root(
        f"tar --create --dereference {files} 2>/dev/null | docker import - idle && docker run --detach idle /usr/bin/sleep 600"
    )
    before = server.root("pidof dockerd; docker ps --quiet")
    assert "takes effect when Docker is restarted; not done while containers run" in server.inv(user="root").stderr
    assert server.root("pidof dockerd; docker ps --quiet") == before


def test_an_unreadable_daemon_json_is_refused(server: Server) -> None:
    server.root("cp /etc/docker/daemon.json /root/ && printf '{,' > /etc/docker/daemon.json")
    done = server.inv(user="root")
    server.root("mv /root/daemon.json /etc/docker/daemon.json")
    assert done.returncode == 3
    assert "/etc/docker/daemon.json: not understood" in done.stderr
