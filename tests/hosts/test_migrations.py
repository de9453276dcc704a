"""Migrations on a real host: never two at once, what they print is kept, and the way back over them."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox.hosts import SandboxHost

from .choosing import thorough, usually
from .load import load
from .project import APP, INV, Project

BASE = f"/srv/{APP}/sandbox"
DEPLOY = ("deploy", "--env=sandbox", "--skip-tests")
PATIENCE_SECONDS = 240  # nothing here is measured; what never happens fails after that
SLOW = """
import os, signal, sys, time, psycopg
signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to end"))
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as db:
    began = db.execute("insert into runs (release) values (%s) returning began", [os.environ["RELEASE_ID"]]).fetchone()
    print("begun", flush=True)
    while not db.execute("select 1 from gate").fetchone():
        time.sleep(0.1)
    db.execute("update runs set ended = clock_timestamp() where release = %s", [os.environ["RELEASE_ID"]])
"""
NOISY = r"""
import sys
sys.stdout.buffer.write(b'it\'s "quoted" \\ $HOME `x` @TIMINGS@ \xed\x95\x9c\xea\xb8\x80 \x01\x1b[0m \xff\xe2\x80\xa8 \x85\n')
print("z" * 6000)
print("the last line 한글")
sys.exit(int(open("/app/src/code").read()))
"""
OVERLAPS = """select count(*) from runs a join runs b on a.ctid < b.ctid
  and a.began < coalesce(b.ended, 'infinity') and b.began < coalesce(a.ended, 'infinity')"""


def on_host(remote: FabricRemote, script: str) -> str:
    return remote.run(script, timeout_seconds=60).stdout.strip()


def sql(remote: FabricRemote, statement: str) -> str:
    words = f"docker exec -i {APP}-sandbox-postgres-1 psql -U trading_user -d trading_system -qAt -v ON_ERROR_STOP=1"
    done = remote.run(f"{words} <<'END'\n{statement};\nEND", timeout_seconds=60)
    assert done.exit_code == 0, done.stderr
    return done.stdout.strip()


def until(remote: FabricRemote, look: Callable[[], object]) -> None:
    """Wait for what has to come."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        assert time.monotonic() < deadline, on_host(remote, f"docker ps -a; tail -n 20 {BASE}/audit.jsonl")
        time.sleep(0.2)


def migrations_there(remote: FabricRemote) -> list[str]:
    look = f"docker ps -a --filter name=^{APP}-sandbox-migrate$ --format '{{{{.ID}}}} {{{{.State}}}}'"
    return on_host(remote, look).splitlines()


def steps_begun(remote: FabricRemote, step: str) -> list[str]:
    """Releases whose step began, as the audit has it."""
    begun = f'"step":"{step}","outcome":"started"'
    lines = on_host(remote, f"cat {BASE}/audit.jsonl").splitlines()
    return [line.rpartition('"release":"')[2].partition('"')[0] for line in lines if begun in line]


def add_migration(project: Project, name: str, up: str, down: str = "") -> None:
    folder = project.source / "src" / "migrations"
    (folder / f"{name}.sql").write_text(up)
    if down:
        (folder / "down" / f"{name}.sql").write_text(down)
    project.commit(name)


def migrate_with(project: Project, module: str, text: str) -> None:
    """From now on migrations are a program of the test's own, and differ from those before."""
    (project.source / "src" / f"{module}.py").write_text(text)
    (project.source / "src" / "migrations" / f"{module}.txt").write_text(f"{time.monotonic()}")
    base = project.root / "env" / "base.yml"
    base.write_text(
        base.read_text().replace("command: [python, main.py, migrate]", f"command: [python, -m, src.{module}]")
    )
    project.commit(module)


def start(project: Project, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(INV), *words],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )


@pytest.fixture
def restored(project: Project) -> Iterator[None]:
    """The project's files as they were, committed again behind the test."""
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project.root, capture_output=True, text=True, check=True
    ).stdout.strip()
    yield
    subprocess.run(["git", "reset", "--quiet", "--hard", head], cwd=project.root, check=True)
    subprocess.run(["git", "clean", "--quiet", "-fd"], cwd=project.root, check=True)


@pytest.fixture
def slow(project: Project, remote: FabricRemote, restored: None) -> None:
    """Migrations that note when they begin and end, and go on until there is a row in `gate`."""
    project.inv(*DEPLOY, "--wait=60s")
    sql(remote, "drop table if exists runs, gate; create table gate (open boolean)")
    sql(remote, "create table runs (release text, began timestamptz default clock_timestamp(), ended timestamptz)")
    migrate_with(project, "slow", SLOW)


def test_two_migrations_never_run_at_once_though_the_lock_was_taken_over(
    project: Project, remote: FabricRemote, slow: None
) -> None:
    first = start(project, *DEPLOY)
    until(remote, lambda: sql(remote, "select count(*) from runs") == "1")
    first.kill()
    first.communicate()
    lose_the_script(remote)
    second = start(project, *DEPLOY, "--wait=5m")
    until(
        remote,
        lambda: len(steps_begun(remote, "migrate")) >= 2 and steps_begun(remote, "migrate")[-1] != running(remote),
    )
    assert [one.split()[1] for one in migrations_there(remote)] == ["running"]
    assert sql(remote, "select count(*) from runs") == "1"
    sql(remote, "insert into gate values (true)")
    said, _ = second.communicate()
    assert second.returncode == 0, said
    assert "still runs; it is waited for" in said
    assert "waited for the migration that" in said
    assert (sql(remote, "select count(*) from runs where ended is not null"), sql(remote, OVERLAPS)) == ("2", "0")
    assert migrations_there(remote) == []


def lose_the_script(remote: FabricRemote) -> None:
    """The script that waits for the migration is gone too, and the lock has no heartbeat any more."""
    done = remote.run("kill -KILL -$(ps -o pgid= -p $(pgrep -nx docker) | tr -d ' ')", timeout_seconds=60)
    assert done.exit_code == 0, done.stderr


def running(remote: FabricRemote) -> str:
    """The release whose migration runs."""
    label = '{{index .Config.Labels "autogrowth.release"}}'
    return on_host(remote, f"docker inspect --format '{label}' {APP}-sandbox-migrate")


@thorough
def test_docker_refuses_a_second_one_whoever_has_the_lock(project: Project, remote: FabricRemote, slow: None) -> None:
    first = start(project, *DEPLOY)
    until(remote, lambda: sql(remote, "select count(*) from runs") == "1")
    on_host(remote, f"rm -rf {BASE}/lock")  # whatever becomes of the lock
    second = start(project, *DEPLOY)
    until(remote, lambda: steps_begun(remote, "migrate")[-1] != running(remote))
    assert (len(migrations_there(remote)), sql(remote, "select count(*) from runs")) == (1, "1")
    sql(remote, "insert into gate values (true)")
    first.communicate(), second.communicate()
    assert sql(remote, OVERLAPS) == "0"
    assert migrations_there(remote) == []
    project.inv(*DEPLOY, "--wait=2m")


@thorough
def test_a_migration_that_is_left_and_dead_is_in_nobodys_way(
    project: Project, remote: FabricRemote, slow: None
) -> None:
    sql(remote, "insert into gate values (true)")
    serving = on_host(remote, f"cat {BASE}/stack/proxy/release")
    image = f"{APP}-sandbox:{serving}"
    on_host(remote, f"docker run --name {APP}-sandbox-migrate --label autogrowth.release={serving} {image} false")
    project.inv(*DEPLOY)
    assert migrations_there(remote) == []
    assert sql(remote, "select count(*) from runs where ended is not null") == "1"


def test_a_migration_is_asked_to_end_when_the_deploy_is_interrupted(
    project: Project, remote: FabricRemote, slow: None
) -> None:
    deploy = start(project, *DEPLOY)
    until(remote, lambda: sql(remote, "select count(*) from runs") == "1")
    deploy.send_signal(signal.SIGINT)
    said, _ = deploy.communicate()
    assert deploy.returncode == 130, said
    assert migrations_there(remote) == []
    bad = steps_begun(remote, "migrate")[-1]
    kept = project.json("releases", "--env=sandbox", f"--release={bad}")
    assert kept["listed"]["release"]["state"] == "bad"  # type: ignore[index]
    assert kept["migrations"]["sandbox1"].split("\n") == ["begun", "asked to end"]  # type: ignore[index]


def test_a_migration_that_takes_too_long_is_ended(project: Project, remote: FabricRemote, slow: None) -> None:
    base = project.root / "env" / "base.yml"
    base.write_text(
        base.read_text().replace("paths: [src/migrations]", "paths: [src/migrations]\n    timeout_seconds: 4")
    )
    done = project.inv(*DEPLOY, check=False)
    assert done.returncode == 4
    assert "migrate the database failed: given up after 4 s" in done.stderr
    assert migrations_there(remote) == []


@pytest.mark.parametrize(("code", "exit_code", "state"), usually([(0, 0, "good"), (3, 4, "bad")], (3, 4, "bad")))
def test_what_migrations_print_is_kept_whatever_it_is(
    project: Project, remote: FabricRemote, restored: None, code: int, exit_code: int, state: str
) -> None:
    project.inv(*DEPLOY, "--wait=60s")
    (project.source / "src" / "code").write_text(f"{code}")
    migrate_with(project, "noisy", NOISY)
    assert project.inv(*DEPLOY, check=False).returncode == exit_code
    release = steps_begun(remote, "migrate")[-1]
    kept = project.json("releases", "--env=sandbox", f"--release={release}")
    printed = kept["migrations"]["sandbox1"]  # type: ignore[index]
    assert kept["listed"]["release"]["state"] == state  # type: ignore[index]
    assert len(printed) == 4000
    assert printed.endswith("zzz\nthe last line 한글")
    whole = on_host(remote, f"cat {BASE}/releases/{release}/migrations.log")
    assert 'it\'s "quoted" \\ $HOME `x` @TIMINGS@ 한글' in whole
    assert release in project.inv("releases", "--env=sandbox").stdout


def test_a_migration_that_cannot_start_says_why(project: Project, remote: FabricRemote, restored: None) -> None:
    base = project.root / "env" / "base.yml"
    base.write_text(base.read_text().replace("command: [python, main.py, migrate]", "command: [no-such-program]"))
    add_migration(project, "0102_none", "select 1;\n")
    done = project.inv(*DEPLOY, "--wait=60s", check=False)
    assert done.returncode == 4
    (why,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert 'exec: "no-such-program": executable file not found in $PATH' in why
    assert migrations_there(remote) == []


def going_down(project: Project) -> None:
    yml = project.root / "env" / "sandbox.yml"
    yml.write_text(yml.read_text() + "\npolicies: {migrate_down: on_rollback}\n")


def has_table(remote: FabricRemote, name: str) -> bool:
    return sql(remote, f"select 1 from pg_tables where tablename = '{name}'") == "1"


def over_a_migration(project: Project, number: int, down: str = "") -> tuple[str, str]:
    """An older release, and a serving one with a table more."""
    add_migration(
        project, f"0{number}_before", f"create table before_{number} (id text);\n", f"drop table before_{number};\n"
    )
    older = project.json(*DEPLOY, "--wait=60s")["release"]
    add_migration(project, f"0{number + 1}_more", f"create table more_{number} (id text);\n", down)
    return str(older), str(project.json(*DEPLOY)["release"])


def test_a_rollback_over_a_migration_asks_and_keeps_the_schema(
    project: Project, host: SandboxHost, remote: FabricRemote, restored: None
) -> None:
    older, newer = over_a_migration(project, 200)
    between = f"migrations ran between {older} and {newer}: the schema stays as it is"
    shown = project.inv("rollback", "--env=sandbox", "--dry-run")
    assert between in shown.stdout
    refused = project.inv("rollback", "--env=sandbox", check=False)
    assert refused.returncode == 2
    assert between in refused.stderr
    assert f"inv rollback --env=sandbox --to={older} --yes" in refused.stderr
    assert on_host(remote, f"cat {BASE}/stack/proxy/release") == newer
    with load(host.http_port) as report:
        assert project.json("rollback", "--env=sandbox", "--yes")["release"] == older
    assert (report.failures, report.orders()) == ([], [newer, older])
    assert has_table(remote, "more_200")


def test_migrations_are_taken_back_without_losing_a_request_and_come_again(
    project: Project, host: SandboxHost, remote: FabricRemote, restored: None
) -> None:
    going_down(project)
    older, newer = over_a_migration(project, 300, "drop table more_300;\n")
    shown = project.inv("rollback", "--env=sandbox", "--dry-run").stdout
    assert f"take back the migrations of {newer}" in shown
    with load(host.http_port) as report:
        assert project.json("rollback", "--env=sandbox", "--yes")["release"] == older
        assert not has_table(remote, "more_300")
        assert has_table(remote, "before_300")
        assert project.json("deploy", "--env=sandbox", f"--version={newer}")["release"] == newer
    assert has_table(remote, "more_300")
    assert (report.failures, report.orders()) == ([], [newer, older])
    kept = project.json("releases", "--env=sandbox", f"--release={newer}")["migrations"]["sandbox1"]  # type: ignore[index]
    assert kept.splitlines() == ["applied 0301_more", "took back 0301_more", "applied 0301_more"]
    assert migrations_there(remote) == []


@pytest.mark.parametrize(("step", "number"), usually([("ask how far", 600), ("record", 700), ("stop ", 800)]))
def test_a_rollback_that_is_killed_before_migrations_are_taken_back_harms_nobody(
    project: Project, host: SandboxHost, remote: FabricRemote, restored: None, step: str, number: int
) -> None:
    going_down(project)
    older, newer = over_a_migration(project, number, f"drop table more_{number};\n")
    with load(host.http_port) as report:
        process = start(project, "rollback", "--env=sandbox", "--yes")
        assert process.stdout
        for line in process.stdout:
            if line.startswith(f"✓ sandbox1: {step}"):
                process.kill()
                break
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert project.json("deploy", "--env=sandbox", f"--version={newer}", "--wait=60s")["release"] == newer
    assert (report.failures, set(report.orders())) == ([], {newer, older})
    assert has_table(remote, f"more_{number}")
    assert migrations_there(remote) == []


@thorough
def test_migrations_that_cannot_be_taken_back_need_a_person_and_the_older_release_serves(
    project: Project, host: SandboxHost, remote: FabricRemote, restored: None
) -> None:
    going_down(project)
    older, newer = over_a_migration(project, 900)
    with load(host.http_port) as report:
        done = project.inv("rollback", "--env=sandbox", "--yes", check=False)
    assert done.returncode == 5
    assert "0901_more: this release has no migrations/down/0901_more.sql; nothing was changed" in done.stderr
    assert (report.failures, report.orders()) == ([], [newer, older])
    project.inv("deploy", "--env=sandbox", f"--version={newer}", "--wait=60s")


@thorough
def test_an_older_release_that_cannot_say_how_far_goes_back_to_the_newer(
    project: Project, host: SandboxHost, remote: FabricRemote, restored: None
) -> None:
    going_down(project)
    base = project.root / "env" / "base.yml"
    base.write_text(base.read_text().replace("--newest]", "--no-such-option]"))
    _, newer = over_a_migration(project, 950, "drop table more_950;\n")
    with load(host.http_port) as report:
        done = project.inv("rollback", "--env=sandbox", "--yes", check=False)
    assert done.returncode == 5
    assert report.failures == []
    assert on_host(remote, f"cat {BASE}/stack/proxy/release") == newer
    assert has_table(remote, "more_950")
