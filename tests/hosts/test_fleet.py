"""Several hosts, and the card's three commands, literally, against hosts that stand in for production."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from autogrowth_ops.sandbox import hosts as sandbox
from autogrowth_ops.sandbox.containers import container_name

from .choosing import thorough, usually
from .load import load
from .project import APP, ONE_REPLICA, Project, make_project

FLEET = """\
hosts:
  app1: {address: 192.0.2.1, roles: [app]}
  app2: {address: 192.0.2.2, roles: [app]}
  data1: {address: 192.0.2.3, roles: [data], private_address: 10.0.0.3}

policies:
  on_failure: rollback_all

"""
APPS = ("app1", "app2")
OPTIONS = ("--env=production", "--sandbox")
NUMBERS = count(1)

# What is wrong with a host stands in a file on that host; the application and the host's `docker` act on it.
TROUBLE = "/srv/trouble/kind"
FUTURE = "from __future__ import annotations\n"
AT_START = """
import pathlib, time
_trouble = pathlib.Path("/trouble/kind")
_kind = _trouble.read_text().strip() if _trouble.exists() else ""
if _kind == "crashes at start":
    raise SystemExit("broken on this host")
if _kind == "never listens":
    time.sleep(600)
"""
HEALTH = "async def health(request: Request) -> Response:\n"
IN_HEALTH = """    import pathlib
    trouble = pathlib.Path("/trouble/kind")
    if trouble.exists() and trouble.read_text().strip() == "health answers 500":
        raise RuntimeError("broken on this host")
"""
VOLUMES = "    volumes:\n"
MOUNTED = "      - {type: bind, source: /srv/trouble, target: /trouble, read_only: true}\n"
LISTEN = "ps -C sshd >/dev/null || /usr/sbin/sshd"
HANG_UP = "kill $(cat /run/sshd.pid) $(ps -C sshd-session -o pid=)"
DOCKER = f"""#!/bin/sh
case "$(cat {TROUBLE} 2>/dev/null): $1" in
"build fails: build") echo "broken on this host" >&2; exit 1 ;;
"SSH ends: start") sudo sh -c '{HANG_UP}' ;;
esac
exec /usr/bin/docker "$@"
"""
KINDS = ("crashes at start", "never listens", "health answers 500", "build fails", "SSH ends")


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose production has two app hosts and one of datastores; stand-ins are up."""
    made = make_project(Path(tmp_path_factory.mktemp("fleet")) / "project", f"{APP}-fleet")
    yml = made.root / "env" / "production.yml"
    text = yml.read_text()
    start, end = text.index("hosts:"), text.index("app:")
    text = text[:start] + FLEET + text[end:]
    yml.write_text(text.replace(ONE_REPLICA, f"{ONE_REPLICA}      start_timeout_seconds: 6\n"))
    template = made.root / "templates" / "app.compose.yml.j2"
    template.write_text(template.read_text().replace(VOLUMES, VOLUMES + MOUNTED))
    made.change("main.py", FUTURE, FUTURE + AT_START)
    made.change("src/app.py", HEALTH, HEALTH + IN_HEALTH)
    made.inv("sandbox.up", "--env=production")
    for name in APPS:
        on_host(made, name, "install -d -o deploy /srv/trouble")
    on_host(made, "app2", "cat >/usr/local/bin/docker && chmod 755 /usr/local/bin/docker", stdin=DOCKER)
    yield made
    made.inv("sandbox.down", "--env=production")


def on_host(project: Project, name: str, script: str, stdin: str = "") -> str:
    """What root's shell on a sandbox host prints; not over SSH."""
    words = ["docker", "exec", "--interactive", container_name(f"{project.app}-production", name), "sh", "-c", script]
    return subprocess.run(words, input=stdin, capture_output=True, text=True, check=True).stdout


def version(project: Project, host: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{http_port(project, host)}/version", timeout=10) as answer:
        return str(json.load(answer)["release"])


def http_port(project: Project, host: str) -> int:
    return next(one.http_port for one in sandbox.find(f"{project.app}-production") if one.name == host)


def versions(project: Project) -> list[str]:
    return [version(project, host) for host in APPS]


def deploy(project: Project) -> dict[str, object]:
    return project.json("deploy", *OPTIONS, "--skip-tests")


def change_policy(project: Project, policy: str) -> None:
    yml = project.root / "env" / "production.yml"
    before, _, rest = yml.read_text().partition("on_failure: ")
    yml.write_text(f"{before}on_failure: {policy}\n{rest.partition(chr(10))[2]}")


def change_something(project: Project, *, code: bool = False) -> None:
    """A new release of the same image, or with `code` of a new one."""
    path = project.source / "main.py" if code else project.root / "env" / "production.env"
    with path.open("a") as file:
        file.write(f"\n# {next(NUMBERS)}\n" if code else f"\nFEATURE_{next(NUMBERS)}=1\n")
    project.commit()


@contextmanager
def trouble(project: Project, kind: str) -> Iterator[None]:
    """The second host is broken in this way while the block runs."""
    on_host(project, "app2", f"echo '{kind}' >{TROUBLE}")
    try:
        yield
    finally:
        on_host(project, "app2", f"rm {TROUBLE}")
        on_host(project, "app2", LISTEN)


@contextmanager
def away(project: Project, name: str) -> Iterator[None]:
    """A host does not answer over SSH while the block runs; what it serves it goes on serving."""
    on_host(project, name, HANG_UP)
    try:
        yield
    finally:
        on_host(project, name, LISTEN)


SETTLED = "for _ in $(seq 120); do ls /srv/*/*/releases/*/retires >/dev/null 2>&1 || break; sleep 0.5; done"


def left_over(project: Project, name: str) -> list[str]:
    """Whatever should not be there when nobody deploys."""
    look = f"""cd /srv/{project.app}/production
{SETTLED}
ls -d lock incoming-* stack.next *.new stack/proxy/*.new 2>/dev/null
for folder in releases/*; do [ -f "$folder/release.json" ] || echo "$folder"; grep -l '"state": "started"' "$folder/release.json"; done
serving=$(cat stack/proxy/release)
/usr/bin/docker ps --filter label=autogrowth.project --format '{{{{.Label "autogrowth.release"}}}}' | sort -u | grep -v "^$serving$" | grep .
[ "$(readlink current)" = "releases/$serving" ] || echo current"""
    return on_host(project, name, look).split()


def containers(project: Project, name: str) -> list[str]:
    shown = "/usr/bin/docker ps --no-trunc --filter label=autogrowth.project --format '{{.ID}} {{.Names}}'"
    return sorted(on_host(project, name, f"{SETTLED}; {shown}").splitlines())


def test_the_commands_of_the_card_work_literally(production: Project) -> None:
    first = json.loads(production.inv("deploy", "--env=production", "--sandbox", "--json").stdout)
    assert versions(production) == [first["release"]] * 2
    production.change("main.py", "from __future__", "# second\nfrom __future__")
    second = production.inv("deploy", "--env=production", "--sandbox", "--skip-tests")
    steps = second.stderr
    assert steps.index("app1: verify through the proxy") < steps.index("app2: start web")
    assert version(production, "app2") != first["release"]
    production.inv("rollback", "--sandbox")
    assert versions(production) == [first["release"]] * 2
    for name in APPS:
        checked = production.inv("checklist", f"--host={name}", "--sandbox")
        assert "✗" not in checked.stdout


def test_hosts_without_datastores_reach_them(production: Project) -> None:
    found = json.loads(production.inv("health", "--env=production", "--sandbox", "--json").stdout)
    names = {(check["host"], check["name"]) for check in found["checks"]}
    assert found["verdict"] == "passed"
    assert {("app1", "api"), ("app2", "api"), ("data1", "postgres")} <= names
    assert ("app2", "postgres") not in names
    assert found["trips"] == {"app1": 1, "app2": 1, "data1": 1}


def test_datastores_are_published_on_the_private_address_only(production: Project) -> None:
    shown = production.inv("render", "--env=production", "--host=data1", "--file=stack/compose.yml").stdout
    ports = [line.strip() for line in shown.splitlines() if ":5432" in line or ":6379" in line]
    assert ports == ['ports: ["10.0.0.3:5432:5432"]', 'ports: ["10.0.0.3:6379:6379"]']


@thorough
def test_other_passwords_reach_every_host_and_stay_with_a_rollback(production: Project) -> None:
    file = production.root / "env" / "production.secrets"
    production.inv("deploy", "--env=production", "--sandbox", "--skip-tests")
    file.touch(mode=0o600)
    file.write_text("POSTGRES_PASSWORD='other \"$# 비번'\nREDIS_PASSWORD='other too'\n")
    outcome = production.json("deploy", "--env=production", "--sandbox", "--skip-tests")
    changed = json.loads(production.inv("health", "--env=production", "--sandbox", "--json").stdout)
    back = production.json("rollback", "--env=production", "--sandbox")
    kept = json.loads(production.inv("health", "--env=production", "--sandbox", "--json").stdout)
    assert back["was"] == outcome["release"]
    assert (changed["verdict"], kept["verdict"]) == ("passed", "passed")


CODES = {
    ("build fails", "rollback_all"): 4,
    ("build fails", "halt"): 4,  # no host had the new release yet
    ("SSH ends", "rollback_all"): 3,
    ("SSH ends", "halt"): 5,
}


@pytest.mark.parametrize("policy", ["rollback_all", "halt"])
@pytest.mark.parametrize("kind", usually(KINDS, "crashes at start"))
def test_a_second_host_that_fails_ends_as_the_policy_promises(production: Project, kind: str, policy: str) -> None:
    old = str(deploy(production)["release"])
    change_policy(production, policy)
    change_something(production, code=kind == "build fails")
    with load(http_port(production, "app1"), rate=10) as first, load(http_port(production, "app2"), rate=10) as second:
        with trouble(production, kind):
            done = production.inv("deploy", *OPTIONS, "--skip-tests", "--json", check=False)
            served, stood = versions(production), containers(production, "app1")
            dirty = [left_over(production, name) for name in APPS[: 1 if kind == "SSH ends" else 2]]
        after = deploy(production)
    error = json.loads(done.stdout)["error"]
    assert done.returncode == error["exit_code"] == CODES.get((kind, policy), 4 if policy == "rollback_all" else 5)
    assert not any(dirty)
    assert [first.failures, second.failures] == [[], []]
    assert_who_serves_what(production, error, done.stderr, served, old, is_asked=kind != "SSH ends")
    assert versions(production) == [after["release"]] * 2
    assert [left_over(production, name) for name in APPS] == [[], []]
    if served[0] != old:
        assert (after["release"], containers(production, "app1")) == (served[0], stood)


def assert_who_serves_what(
    production: Project, error: dict[str, object], said: str, served: list[str], old: str, *, is_asked: bool
) -> None:
    """The error says it as the hosts show it: nothing where all serve the old release."""
    code, told = error["exit_code"], error.get("hosts", [])
    assert served == [old, old] if code in (3, 4) else served[0] != old == served[1]
    if code == 4:
        assert "hosts" not in error
        return
    expected = [("app1", served[0], old), ("app2", old if is_asked else None, old)]
    assert [(one["host"], one["serves"], one["was"]) for one in told] == expected  # type: ignore[union-attr, index]
    assert f"app1  {served[0]}  {old}" in said
    assert "app2  " + (old if is_asked else "not known").ljust(len(old)) + f"  {old}" in said
    if code == 5:
        assert (
            f"inv deploy --env=production --sandbox again, or back: inv rollback --env=production --sandbox --to={old}"
            in said
        )


@thorough
def test_a_halted_fleet_can_be_rolled_back(production: Project) -> None:
    change_policy(production, "halt")
    old, stood = deploy(production)["release"], containers(production, "app2")
    change_something(production)
    with trouble(production, "crashes at start"):
        assert production.inv("deploy", *OPTIONS, "--skip-tests", check=False).returncode == 5
    assert production.json("rollback", *OPTIONS)["release"] == old
    assert versions(production) == [old] * 2
    assert containers(production, "app2") == stood
    assert [left_over(production, name) for name in APPS] == [[], []]


def test_a_host_of_datastores_that_is_away_stops_no_deploy(production: Project) -> None:
    before = deploy(production)["release"]
    change_something(production)
    with away(production, "data1"):
        said = production.inv("deploy", *OPTIONS, "--skip-tests").stderr
        assert "data1: warning: left as it is, it gives no answer: SSH handshake failed" in said
        assert before not in versions(production)
        back = production.json("rollback", *OPTIONS)
        assert (back["release"], back["skipped"]) == (before, ["data1"])
    assert versions(production) == [before] * 2


def test_an_app_host_that_is_away_stops_a_deploy_and_no_look(production: Project) -> None:
    serving = str(deploy(production)["release"])
    change_something(production)
    steps = f"grep -vc retired- /srv/{production.app}/production/audit.jsonl"  # that goes on by itself
    before = on_host(production, "app1", steps)
    with away(production, "app2"):
        codes, said = {}, {}
        for task in ("deploy", "rollback", "status", "releases", "lock.status", "logs", "audit", "health"):
            done = production.inv(task, *OPTIONS, check=False)
            codes[task], said[task] = done.returncode, done.stdout
            assert "app2: SSH handshake failed" in done.stderr or task == "health"
        shown = production.inv("status", *OPTIONS, "--json", check=False).stdout
    assert codes == {**dict.fromkeys(codes, 3), "health": 7}
    assert f"app1: {serving}" in said["status"]
    assert "app1, data1" not in said["releases"].splitlines()[1]
    assert serving in said["releases"]
    assert "SSH handshake failed" in said["health"]
    assert [one["host"] for one in json.loads(shown)] == ["app1", "data1", "app2"]
    assert on_host(production, "app1", steps) == before


def test_a_failure_on_the_first_host_leaves_all_as_they_were(production: Project) -> None:
    before = versions(production)
    change_policy(production, "halt")
    production.change("main.py", "def main", "raise SystemExit('broken here')\n\n\ndef main")
    done = production.inv("deploy", "--env=production", "--sandbox", "--skip-tests", check=False)
    assert done.returncode == 4
    assert "broken here" in done.stderr
    assert versions(production) == before
