"""Status, releases, locks, logs, audit, checklist and what goes on inside a container."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autogrowth_ops.errors import UsageError
from autogrowth_ops.model.checklist import Result
from autogrowth_ops.model.environment import Host, Postgres, Redis, Service, Stack
from autogrowth_ops.model.secret import MASK, Secret
from autogrowth_ops.operations.audit import audit
from autogrowth_ops.operations.checklist import checklist
from autogrowth_ops.operations.inside import run_inside
from autogrowth_ops.operations.locking import locks, release_locks
from autogrowth_ops.operations.logs import LogLine, logs, parse_line
from autogrowth_ops.operations.releases import detail, list_releases
from autogrowth_ops.operations.rendering import mask, rendered
from autogrowth_ops.operations.status import status
from autogrowth_ops.session import Session
from tests.fakes import ScriptedHost, make_containers, make_environment
from tests.plans import LOCK, OLD, OLDER, serving

Open = Callable[..., Session]
TWO = make_environment(Host(name="app1", address="10.1"), Host(name="app2", address="10.2", roles=("app",)))
ROOT = Path("/nonexistent")


def host(session: Session, name: str = "app1") -> ScriptedHost:
    return session.remotes[name]  # type: ignore[return-value]


def test_status_joins_containers_with_what_they_may_use(open_on: Open):
    session = open_on(None, serving())
    (container,) = serving().containers
    details = f"{container.id} 2 536870912 500000000 2026-11-23T11:00:00Z false sha256:1\nwarning: something"
    host(session).answers("section", "details", text=details)
    ((found,), missing) = status(session)
    (row,) = found.containers
    assert (row.restarts, row.memory_bytes, row.cpus, row.is_oom_killed) == (2, 536870912, 0.5, False)
    assert (found.serving.id, found.host, session.trips()) == (OLD.id, "app1", {"app1": 1})
    assert missing == {}


def test_status_shows_the_serving_release_first(open_on: Open):
    seen = replace(serving(with_older=True), containers=(*make_containers(OLDER.id, web=1), *serving().containers))
    session = open_on(None, seen)
    lines = [f"{one.id} 0 0 0 then true sha256:1" for one in seen.containers]
    host(session).answers("section", "details", text="\n".join(lines))
    assert [row.container.release for row in status(session)[0][0].containers] == [OLD.id, OLDER.id]


def test_one_release_is_shown_with_the_end_of_what_its_migrations_printed(open_on: Open):
    session = open_on(TWO, serving("app1"), serving("app2"))
    host(session).answers("section", "migrations", text="한" * 4001)
    host(session, "app2").answers("section", "migrations")
    found = detail(session, OLD.id)
    assert (found.listed.release.id, found.listed.hosts) == (OLD.id, ("app1", "app2"))
    assert found.migrations == {"app1": "한" * 4000}


def test_a_release_that_nobody_has_is_refused_with_those_there_are(open_on: Open):
    with pytest.raises(UsageError, match=f"nope: no such release; there are: {OLD.id}, {OLDER.id}"):
        detail(open_on(None, serving()), "nope")


def test_releases_of_all_hosts_are_one_list_newest_first(open_on: Open):
    second = replace(serving("app2"), releases=(OLD,), current=OLD.id)
    found, _ = list_releases(open_on(TWO, serving("app1"), second))
    assert [(one.release.id, one.hosts, one.serves_on) for one in found] == [
        (OLD.id, ("app1", "app2"), ("app1", "app2")),
        (OLDER.id, ("app1",), ()),
    ]


def away(session: Session, name: str = "app2") -> Session:
    """The session with a host that gives no answer."""
    host(session, name).goes_away()
    return session


def test_a_host_that_is_away_keeps_no_other_from_being_shown(open_on: Open):
    session = away(open_on(TWO, serving("app1")))
    host(session).answers("section")
    assert [(one.host, one.serving.id) for one in status(session)[0]] == [("app1", OLD.id)]
    assert [one.serves_on for one in list_releases(session)[0]] == [("app1",), ()]
    assert audit(session, 9)[0] == ()
    host(session).answers("logs", text=LINES)
    assert len(read_logs(session)) == 2


def test_every_reading_task_names_the_host_that_is_away(open_on: Open):
    session = away(open_on(TWO, serving("app1")))
    host(session).answers("section").answers("logs")
    lines = logs(session, (), tail="1", since="", follow=False, each=lambda _: None)
    found = [status(session)[1], list_releases(session)[1], audit(session, 9)[1], locks(session)[1], lines]
    assert [list(missing) for missing in found] == [["app2"]] * 5


def test_a_host_that_is_away_fails_its_checklist(open_on: Open):
    session = away(open_on(TWO, serving("app1")))
    host(session).answers("section").answers("ask_replicas")
    found = [result for result in checklist(session) if result.host == "app2"]
    assert found == [Result("app2", "ssh", "failed", "connection refused")]


def test_where_hosts_do_not_agree_on_a_release_it_is_as_it_serves(open_on: Open):
    failed = replace(serving("app2"), releases=(OLDER, replace(OLD, state="bad")), proxied=OLDER.id)
    found, _ = list_releases(open_on(TWO, serving("app1"), failed))
    assert [(one.release.state, one.serves_on) for one in found] == [("good", ("app1",)), ("good", ("app2",))]


def test_a_lock_is_removed_with_a_host_away(open_on: Open):
    session = away(open_on(TWO, replace(serving("app1"), lock=LOCK)))
    found, missing = release_locks(session)
    assert (found, list(missing)) == ({"app1": LOCK}, ["app2"])


def test_a_host_that_is_away_may_have_the_lock(open_on: Open):
    assert list(release_locks(away(open_on(TWO)))[1]) == ["app2"]


def test_locks_are_told_by_host(open_on: Open):
    assert locks(open_on(TWO, replace(serving("app2"), lock=LOCK))) == ({"app2": LOCK}, {})


def test_a_lock_is_removed_where_it_is(open_on: Open):
    session = open_on(TWO, replace(serving("app2"), lock=LOCK))
    assert release_locks(session) == ({"app2": LOCK}, {})
    assert host(session, "app2").calls("attempt") == (("attempt", "lock.release", "release_lock"),)
    assert host(session, "app1").calls("attempt") == ()


def test_removing_no_lock_is_refused(open_on: Open):
    with pytest.raises(UsageError, match="production: not locked"):
        release_locks(open_on())


LINES = "web-1 2026-11-23T11:00:02Z two words\nnoise\nweb-1 2026-11-23T11:00:00Z\n"


def read_logs(session: Session, **options: object) -> list[LogLine]:
    found: list[LogLine] = []
    chosen = {"tail": "200", "since": "", "follow": False, **options}
    logs(session, (), each=found.append, **chosen)
    return found


def test_log_lines_of_all_hosts_are_merged_by_time(open_on: Open):
    session = open_on(TWO)
    host(session, "app1").answers("logs", text=LINES)
    host(session, "app2").answers("logs", text="web-1 2026-11-23T11:00:01Z middle")
    assert [line.text for line in read_logs(session)] == ["", "middle", "two words"]


def test_followed_lines_come_as_they_are_printed(open_on: Open):
    session = open_on()
    host(session).answers("logs", text=LINES)
    assert [line.text for line in read_logs(session, follow=True)] == ["two words", ""]
    assert host(session).calls()[0] == ("logs", "200", "", "yes", "web")


def test_logs_of_an_unknown_service_are_refused(open_on: Open):
    with pytest.raises(UsageError, match="nope: no such service; there are: web, proxy$"):
        logs(open_on(), ("web", "nope"), tail="1", since="", follow=False, each=lambda _: None)


@pytest.mark.parametrize("line", ["", "web-1", "web-1 yesterday text"])
def test_what_is_no_log_line_is_passed_over(line: str):
    assert list(parse_line("app1", line)) == []


def test_the_audit_of_all_hosts_is_merged_by_time(open_on: Open):
    session = open_on(TWO)
    first, second = ('{"at": "2026-11-23T11:00:01Z"}\n{"at"', '["no"]\n{"step": "x"}\n{"at": "2026-11-23T11:00:00Z"}')
    host(session, "app1").answers("section", "audit", text=first)
    host(session, "app2").answers("section", "audit", text=second)
    assert [entry["host"] for entry in audit(session, 9)[0]] == ["app2", "app1"]
    assert host(session).calls() == (("section", "audit", "tail_audit", "9"),)


def test_the_checklist_is_read_in_one_trip(open_on: Open):
    session = open_on(None, serving())
    asked = host(session).answers("section", "api", text="12\n200").answers("ask_replicas")
    asked.answers("section", "system", text="cpu_percent=5\ndisk_percent=x\nnoise")
    asked.answers("section", "log_state", text="web-1 100 9 2\nbroken line")
    asked.answers("section", "backup_state", text="1 2 /a b\nbroken")
    asked.answers("section", "details", text=f"{serving().containers[0].id} 0 0 0 then false sha256:1")
    found = {result.item: result for result in checklist(session)}
    assert (found["cpu"].verdict, found["disk"].verdict, found["logs"].verdict) == ("passed", "failed", "warning")
    assert found["release"].verdict == "passed"
    assert session.trips() == {"app1": 1}


def test_what_the_checklist_could_not_read_fails(open_on: Open):
    session = open_on(make_environment(stack=Stack(postgres=Postgres(database="d", user="u"))), serving())
    host(session).answers("section", code=1, text="boom").answers("reading", code=1).answers("ask_replicas")
    assert {result.verdict for result in checklist(session)} == {"failed", "passed"}
    assert {result.item for result in checklist(session) if result.verdict == "passed"} == {"release"}


def test_a_command_runs_in_a_container_of_the_service(open_on: Open):
    session = open_on()
    host(session).answers("one_container", text="shop-web-1")
    host(session).interact_code = 3
    assert run_inside(session, "web", ("ls", "/a b")) == 3
    assert host(session).conversations == ["docker exec --interactive shop-web-1 ls '/a b'"]


STORES = Stack(postgres=Postgres(database="shop", user="shop"), redis=Redis())


def test_a_datastore_is_entered_on_its_host(open_on: Open):
    session = open_on(replace(TWO, stack=STORES))
    host(session, "app1").answers("one_container", text="shop-postgres-1")
    assert run_inside(session, "postgres", ("psql",)) == 0


@pytest.mark.parametrize(
    ("service", "hosts", "problem"),
    [
        ("", TWO.hosts, "no service is public; say which one is meant: --service=web"),
        ("nope", TWO.hosts, "nope: no such service; there are: web, proxy, postgres, redis"),
        ("web", TWO.hosts, "app1: no running container of web; see: inv status --env=production"),
        ("redis", {"app2": TWO.hosts["app2"]}, "production: redis does not run there"),
    ],
)
def test_what_does_not_run_cannot_be_entered(open_on: Open, service: str, hosts: dict[str, Host], problem: str):
    session = open_on(replace(TWO, hosts=hosts, stack=STORES))
    [host(session, name).answers("one_container") for name in hosts]
    with pytest.raises(UsageError, match=problem):
        run_inside(session, service, ("sh",))


SECRET = make_environment(secret_values={"T": Secret("hunter2")}, variables={"A": "{{ secrets.T }}", "B": "b"})


def test_rendered_files_hide_secrets():
    assert f'A={MASK}\nB="b"' in rendered(SECRET, ROOT)["releases/RELEASE/app.env"]


def test_rendered_files_show_secrets_on_demand():
    assert 'A="hunter2"' in rendered(SECRET, ROOT, masked=False)["releases/RELEASE/app.env"]


def test_files_are_rendered_for_the_named_host():
    data = Host(name="data1", address="10.3", roles=("data",))
    assert list(rendered(make_environment(*TWO.hosts.values(), data), ROOT, "data1")) == ["stack/compose.yml"]


def test_a_host_that_is_not_declared_is_refused():
    with pytest.raises(UsageError, match="app9: no host of production"):
        rendered(TWO, ROOT, "app9")


def test_an_environment_without_hosts_is_rendered_for_this_machine():
    assert "stack/compose.yml" in rendered(replace(make_environment(), hosts={}), ROOT)


def test_only_the_named_values_are_hidden():
    assert mask('A="x"\nB="A=y"\n# A', {"A"}) == f'A={MASK}\nB="A=y"\n# A'


def test_services_of_all_kinds_have_a_checklist(open_on: Open):
    session = open_on(make_environment(services={"worker": Service()}), serving())
    host(session).answers("section", code=1).answers("ask_replicas")
    assert json.dumps([result.item for result in checklist(session)]).count("api") == 0
