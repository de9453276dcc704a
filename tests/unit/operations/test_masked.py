"""Secrets that an application prints itself are hidden wherever we repeat what it said."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from autogrowth_ops.errors import ConfigError, RolloutFailed, UndoFailed
from autogrowth_ops.model.secret import MASK, Secret
from autogrowth_ops.operations.deploy import deploy
from autogrowth_ops.operations.health import health
from autogrowth_ops.operations.logs import LogLine, logs
from autogrowth_ops.render import Renderer
from autogrowth_ops.session import Session
from tests.fakes import ScriptedHost, make_environment
from tests.plans import serving

Open = Callable[..., Session]
ENVIRONMENT = make_environment(secrets=("TOKEN",), secret_values={"TOKEN": Secret("hunter2")})


def host(session: Session) -> ScriptedHost:
    return session.remotes["app1"]  # type: ignore[return-value]


def test_a_failing_deploy_tells_and_records_no_secret(open_on: Open):
    session = open_on(ENVIRONMENT, serving())
    host(session).answers("step", "ready", code=21, text="web-1 ended", blocks=[("evidence web-1", "key hunter2")])
    with pytest.raises(RolloutFailed) as raised:
        deploy(session)
    records = [call for call in host(session).calls("attempt") if call[1] == "record"]
    assert MASK in json.loads(records[0][-1])["reason"]
    assert "hunter2" not in "\n".join([str(raised.value), *raised.value.details, *records[0]])


def test_a_failing_undo_tells_no_secret(open_on: Open):
    session = open_on(ENVIRONMENT, serving())
    host(session).answers("step", "ready", code=21, text="gone").answers("attempt", code=1, text="hunter2")
    with pytest.raises(UndoFailed, match=MASK) as raised:
        deploy(session)
    assert "hunter2" not in str(raised.value)


def test_logs_have_no_secrets(open_on: Open):
    found: list[LogLine] = []
    session = open_on(ENVIRONMENT)
    host(session).answers("logs", text="shop-web-1 2026-11-23T10:00:00Z with hunter2 inside")
    logs(session, ("web",), tail="9", since="", follow=False, each=found.append)
    assert [line.text for line in found] == [f"with {MASK} inside"]


def test_health_answers_have_no_secrets(open_on: Open):
    session = open_on(ENVIRONMENT)
    host(session).answers("section", "api", text='7\n503 {"error":"hunter2"}', code=1).answers("ask_replicas")
    assert [check.details for check in health(session) if check.name == "api"] == [f'503 {{"error":"{MASK}"}}']


def test_an_expression_that_fails_does_not_show_what_it_was_given(tmp_path):
    environment = make_environment(
        variables={"A": "{{ stack[secrets.TOKEN] }}"}, secret_values={"TOKEN": Secret("hunter2")}
    )
    with pytest.raises(ConfigError) as raised:
        Renderer(environment, tmp_path).variables()
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None
