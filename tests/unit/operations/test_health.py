from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from autogrowth_ops.errors import Unreachable
from autogrowth_ops.model.check import Check, worst
from autogrowth_ops.model.environment import Environment, Host, Postgres, Redis, Service, Stack
from autogrowth_ops.model.secret import Secret
from autogrowth_ops.operations.health import answers, health, questions
from autogrowth_ops.render import Renderer
from autogrowth_ops.session import Session
from tests.fakes import ScriptedHost, make_environment

Open = Callable[..., Session]
STACK = Stack(postgres=Postgres(database="shop", user="shop"), redis=Redis(password_secret="REDIS_PASSWORD"))
REPLICAS = [
    ("start replica:web-1", "3\n200 ok"),
    ("end replica:web-1 0", ""),
    ("start replica:web-2", "4\n200 ok"),
    ("end replica:web-2 0", ""),
]


def stored(**variables: str) -> Environment:
    return make_environment(
        services={"web": Service(port=8000, replicas=2)},
        stack=STACK,
        secrets=("POSTGRES_PASSWORD", "REDIS_PASSWORD"),
        secret_values={"POSTGRES_PASSWORD": Secret("50%41 # 한"), "REDIS_PASSWORD": Secret("r%20d")},
        variables=variables,
    )


def checks(open_on: Open, **answers: tuple[int, str]) -> dict[str, Check]:
    session = open_on(stored())
    host: ScriptedHost = session.remotes["app1"]  # type: ignore[assignment]
    host.answers("ask_replicas", blocks=REPLICAS)
    for name, kind in (("api", "section"), ("postgres", "reading"), ("redis", "reading")):
        code, text = answers.get(name, (0, "12\n200 fine"))
        host.answers(kind, name, code=code, text=text)
    return {check.name: check for check in health(session)}


def asked(environment: Environment, host: Host | None = None) -> tuple[list[tuple[str, ...]], list[str]]:
    variables = Renderer(environment, Path("/nonexistent")).variables()
    calls, stdin = questions(environment, host or environment.hosts["app1"], variables)
    return calls, [base64.b64decode(line).decode() for line in stdin.splitlines()]


def test_everything_that_answers_passes(open_on: Open):
    found = checks(open_on)
    assert set(found) == {"api", "replica:web-1", "replica:web-2", "postgres", "redis"}
    assert worst(found.values()) == "passed"


def test_an_answer_has_its_time_and_what_was_said(open_on: Open):
    assert checks(open_on)["api"] == Check("app1", "api", "passed", "200 fine", 12)


@pytest.mark.parametrize(
    ("text", "details", "took"),
    [
        ("5\n502 bad\n gateway", "502 bad gateway", 5),
        ("5\n", "exit code 1", 5),
        ("docker: not running", "docker: not running", None),
    ],
)
def test_what_fails_says_why(open_on: Open, text: str, details: str, took: int | None):
    assert checks(open_on, api=(1, text))["api"] == Check("app1", "api", "failed", details, took)


def test_an_empty_answer_that_succeeds_answers(open_on: Open):
    assert checks(open_on, redis=(0, "5\n"))["redis"].details == "answers"


def test_health_is_one_trip_a_host(open_on: Open):
    session = open_on(stored())
    host: ScriptedHost = session.remotes["app1"]  # type: ignore[assignment]
    host.answers("ask_replicas").answers("section").answers("reading")
    health(session)
    assert session.trips() == {"app1": 1}


def test_a_host_that_gives_no_answer_is_a_failed_check_of_its_own(open_on: Open):
    session = open_on(make_environment(*(Host(name=name, address=name) for name in ("app1", "app2"))))
    session.remotes["app1"].goes_away()  # type: ignore[attr-defined]
    session.remotes["app2"].answers("section").answers("ask_replicas")  # type: ignore[attr-defined]
    found = health(session)
    assert found[0] == Check("app1", "ssh", "failed", "connection refused")
    assert {check.host for check in found} == {"app1", "app2"}


def test_a_single_host_that_gives_no_answer_is_an_error(open_on: Open):
    session = open_on()
    session.remotes["app1"].goes_away()  # type: ignore[attr-defined]
    with pytest.raises(Unreachable):
        health(session)


def test_a_replica_that_is_not_there_fails(open_on: Open):
    session = open_on(stored())
    host: ScriptedHost = session.remotes["app1"]  # type: ignore[assignment]
    host.answers("section").answers("reading").answers("ask_replicas", blocks=REPLICAS[:2])
    missing = next(check for check in health(session) if check.name == "replicas:web")
    assert (missing.verdict, missing.details) == ("failed", "1 of 2 containers are there")


def test_a_replica_of_another_service_is_none_of_this_one(open_on: Open):
    environment = make_environment(services={"web": Service(port=80), "my-web": Service()})
    session = open_on(environment)
    host: ScriptedHost = session.remotes["app1"]  # type: ignore[assignment]
    blocks = [("start replica:my-web-1", "1\nrunning"), ("end replica:my-web-1 0", "")]
    host.answers("section").answers("ask_replicas", blocks=blocks)
    assert "replicas:web" in {check.name for check in health(session)}


@pytest.mark.parametrize("name", ["api", "postgres", "redis"])
def test_what_gave_no_answer_at_all_fails(open_on: Open, name: str):
    session = open_on(stored())
    host: ScriptedHost = session.remotes["app1"]  # type: ignore[assignment]
    host.answers("section", text="1\n200").answers("reading", text="1\nok").answers("ask_replicas", blocks=REPLICAS)
    cut = _Silent(host, name)
    session.remotes["app1"] = cut  # type: ignore[index]
    found = {check.name: check for check in health(session)}
    assert found[name] == Check("app1", name, "failed", "no answer")


class _Silent(ScriptedHost):
    """A host that never prints one of the sections."""

    def __init__(self, plain: ScriptedHost, name: str) -> None:
        super().__init__(plain.host, _answers=plain._answers)
        self._name = name

    def run(self, script: str, *, on_line: Callable[[str], None] | None = None, **options: object):
        def heard(line: str) -> None:
            if on_line and line.split(" ")[2:3] != [self._name]:
                on_line(line)

        return super().run(script, on_line=heard, **options)


def test_passwords_come_from_the_applications_urls():
    urls = {"DATABASE_URL": "postgresql://me:p%40ss@postgres:5432/mine", "REDIS_URL": "redis://bob:s%20s@redis:6379"}
    calls, passwords = asked(stored(**urls))
    assert calls[-2][2:] == ("ask_postgres", "postgres", "5432", "me", "mine")
    assert calls[-1][2:] == ("ask_redis", "redis", "6379", "bob")
    assert passwords == ["p@ss", "s s"]


def test_passwords_without_url_are_the_secrets_as_they_are():
    calls, passwords = asked(stored())
    assert calls[-2][2:] == ("ask_postgres", "postgres", "5432", "shop", "shop")
    assert passwords == ["50%41 # 한", "r%20d"]


def test_a_url_under_another_name_is_found():
    _, passwords = asked(stored(PG="postgres://me:other@postgres/mine"))
    assert passwords[0] == "other"


def test_a_redis_without_password_is_asked_without():
    environment = make_environment(stack=Stack(redis=Redis()))
    assert asked(environment)[1] == [""]


def test_no_password_stands_in_a_call():
    calls, _ = asked(stored(DATABASE_URL="postgresql://me:hunter2@postgres/mine"))
    assert "hunter2" not in str(calls)


def test_an_app_host_is_not_asked_for_datastores():
    calls, passwords = asked(stored(), Host(name="app9", address="a", roles=("app",)))
    assert ([call[0] for call in calls], passwords) == (["section", "ask_replicas"], [])


def test_a_data_host_is_not_asked_for_the_application():
    calls, _ = asked(stored(), Host(name="data1", address="a", roles=("data",)))
    assert [call[1] for call in calls] == ["postgres", "redis"]


def test_workers_are_looked_at_without_a_port():
    calls, _ = asked(make_environment(services={"worker": Service()}))
    assert calls == [("ask_replicas", "worker::")]


@pytest.mark.parametrize(("code", "details"), [(0, "query answered"), (2, "psql: error: no such role")])
def test_a_query_that_was_answered_says_so(code: int, details: str):
    text = "12\n420" if code == 0 else "12\npsql: error: no such role"
    (found,) = answers(make_environment(), Host(name="app9", address="a", roles=()), {"postgres": (code, text)})
    assert found.details == details


def test_a_docker_that_does_not_answer_is_named_and_no_replica_is_counted():
    environment = stored()
    sections = {"api": (1, "0\n000"), "docker": (1, "Cannot connect"), "postgres": (1, "0\nx"), "redis": (1, "0\nx")}
    found = {check.name: check for check in answers(environment, environment.hosts["app1"], sections)}
    assert found["docker"] == Check("app1", "docker", "failed", "Cannot connect")
    assert set(found) == set(sections)
