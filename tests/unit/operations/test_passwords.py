"""When the datastores get other passwords, and how a release of before gets the present ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from autogrowth_ops.errors import UsageError
from autogrowth_ops.model.environment import Environment, Host, Postgres, Redis, Stack
from autogrowth_ops.model.observation import Observation
from autogrowth_ops.model.plan import Plan
from autogrowth_ops.model.release import Release
from autogrowth_ops.model.secret import Secret
from autogrowth_ops.operations.deploy import prepare
from autogrowth_ops.operations.difference import differences
from autogrowth_ops.operations.passwords import wanted
from autogrowth_ops.operations.rollback import prepare as prepare_rollback
from autogrowth_ops.session import Session
from tests.fakes import ScriptedHost, make_containers, make_environment
from tests.plans import OLD, OLDER, serving

Open = Callable[..., Session]
URL = "postgresql://u:{{ secrets.POSTGRES_PASSWORD | url_quote }}@postgres/d"
VARIABLES = {"DATABASE_URL": URL, "TOKEN": "{{ secrets.TOKEN }}", "COLOUR": "blue"}


def stores(password: str = "present", *hosts: Host, redis: bool = True, **changes: object) -> Environment:
    """`shop` with Postgres and Redis; DATABASE_URL has the password of Postgres."""
    stack = Stack(
        postgres=Postgres(database="d", user="u"), redis=Redis(password_secret="REDIS_PASSWORD") if redis else None
    )
    values = {"POSTGRES_PASSWORD": Secret(password), "REDIS_PASSWORD": Secret("redis-pw"), "TOKEN": Secret("token")}
    plain = make_environment(*hosts, stack=stack, secrets=tuple(values), secret_values=values, variables=VARIABLES)
    return replace(plain, **changes)  # type: ignore[arg-type]


PRESENT, FORMER = wanted(stores("present")), wanted(stores("former"))
RUNNING = make_containers("", proxy=1, postgres=1, redis=1)


def having(passwords: str, release: Release = OLD) -> Release:
    return replace(release, passwords=passwords, secret_variables={"DATABASE_URL": URL, "TOKEN": "{{ secrets.TOKEN }}"})


def seen(passwords: str, of_release: str = "", *, older: Release = OLDER, **changes: object) -> Observation:
    """OLD serves with the passwords that the datastores have, unless told otherwise; the whole stack runs."""
    one = serving(with_older=True)
    return replace(
        one,
        releases=(older, having(of_release or passwords)),
        containers=(*one.containers, *RUNNING),
        stack_hash="s",
        passwords=passwords,
        **changes,  # type: ignore[arg-type]
    )


def keys(plan: Plan) -> list[str]:
    return [step.key for step in plan.steps()]


def planned(session: Session) -> list[str]:
    return keys(prepare(session).plan)


def do(plan: Plan, key: str) -> tuple[str, ...]:
    return next(step.do for step in plan.steps() if step.key == key)


def test_passwords_have_a_name_that_follows_from_them():
    assert (PRESENT == FORMER, wanted(stores("present")) == PRESENT, wanted(make_environment())) == (False, True, "")


def test_present_passwords_are_not_set_again(open_on: Open):
    assert not {"passwords", "settle"} & set(planned(open_on(stores(), seen(PRESENT))))


def test_a_changed_password_is_set_behind_the_start_and_the_old_one_revoked_in_the_end(open_on: Open):
    prepared = prepare(open_on(stores(), seen(FORMER)))
    assert prepared.is_needed
    order = keys(prepared.plan)
    expected = ["start", "listen", "passwords", "again", "ready", "switch", "verify", "current", "settle", "record"]
    assert [key for key in order if key in expected] == expected
    assert do(prepared.plan, "passwords") == ("set_passwords", FORMER, PRESENT)


def test_setting_passwords_is_taken_back_if_something_fails_later(open_on: Open):
    steps = {step.key: step for step in prepare(open_on(stores(), seen(FORMER))).plan.steps()}
    assert steps["passwords"].undo == ("restore_passwords",)
    assert steps["settle"].final


def test_verifiers_are_sent_and_no_password(open_on: Open):
    files = {file.path: file for file in prepare(open_on(stores(), seen(FORMER))).change.passwords["app1"]}
    assert files["postgres"].text.startswith('ALTER ROLE "u" PASSWORD \'SCRAM-SHA-256$4096:')
    assert files["redis"].text.startswith("#")
    assert {file.mode for file in files.values()} == {0o600}
    assert not [file for file in files.values() if "present" in file.text or "redis-pw" in file.text]


def test_a_release_says_which_passwords_and_secrets_it_has(open_on: Open):
    release = prepare(open_on(stores(), seen(FORMER))).change.release
    assert release.passwords == PRESENT
    assert release.secret_variables == {"DATABASE_URL": URL, "TOKEN": "{{ secrets.TOKEN }}"}


def test_a_changed_password_is_no_other_configuration(open_on: Open):
    first, second = (prepare(open_on(stores(one), seen(FORMER))).change.release for one in ("a", "b"))
    assert first.config_hash == second.config_hash
    assert not first.is_same_as(second)


def test_another_changed_secret_is_another_configuration(open_on: Open):
    other = {**stores().secret_values, "TOKEN": Secret("another")}
    first, second = (prepare(open_on(one)).change.release for one in (stores(), stores(secret_values=other)))
    assert first.config_hash != second.config_hash
    assert first.passwords == second.passwords


def test_a_first_deploy_sets_the_passwords_before_anything_starts(open_on: Open):
    order = planned(open_on(stores()))
    assert order.index("stack") < order.index("passwords") < order.index("start")
    assert "listen" not in order


def test_a_datastore_that_is_made_anew_gets_its_password(open_on: Open):
    without = replace(seen(PRESENT), containers=(*serving().containers, *make_containers("", proxy=1, redis=1)))
    assert "passwords" in planned(open_on(stores(), without))


def test_a_stack_without_datastores_has_no_passwords(open_on: Open):
    assert "passwords" not in planned(open_on())


def test_a_change_that_was_cut_off_ends_with_what_the_serving_release_has(open_on: Open):
    cut_off = seen(FORMER, PRESENT, leftovers=("rotation",))
    plan = prepare(open_on(stores(), cut_off)).plan
    assert do(plan, "passwords") == ("resume_passwords", PRESENT)


def test_a_rollback_ends_a_change_that_was_cut_off(open_on: Open):
    cut_off = seen(FORMER, PRESENT, older=having(PRESENT, OLDER), leftovers=("rotation",))
    plan = prepare_rollback(open_on(stores(), cut_off)).plan
    assert do(plan, "passwords") == ("resume_passwords", PRESENT)
    assert "renew" not in keys(plan)


def test_a_rollback_over_changed_passwords_gives_the_older_release_the_present_ones(open_on: Open):
    prepared = prepare_rollback(open_on(stores(), seen(PRESENT, older=having(FORMER, OLDER))))
    assert do(prepared.plan, "renew") == ("renew_variables", OLDER.id, OLD.id, "DATABASE_URL")
    assert do(prepared.plan, "start") == ("start_release", OLDER.id, "web")
    assert prepared.change.release.passwords == PRESENT


def test_a_rollback_with_the_same_passwords_starts_what_is_there(open_on: Open):
    plan = prepare_rollback(open_on(stores(), seen(PRESENT, older=having(PRESENT, OLDER)))).plan
    assert "renew" not in keys(plan)
    assert do(plan, "start")[0] == "restart_containers"


def test_a_rollback_whose_variables_are_written_otherwise_is_refused_with_a_way_out(open_on: Open):
    older = replace(having(FORMER, OLDER), secret_variables={"DATABASE_URL": f"{URL}?sslmode=disable"})
    with pytest.raises(
        UsageError, match=r"DATABASE_URL cannot be given the present ones.*inv deploy --env=production --version"
    ):
        prepare_rollback(open_on(stores(), seen(PRESENT, older=older)))


def test_a_release_that_knows_of_no_passwords_is_taken_as_it_is(open_on: Open):
    assert "renew" not in keys(prepare_rollback(open_on(stores(), seen(PRESENT))).plan)


def test_a_difference_hides_what_was_a_secret_before(open_on: Open):
    session = open_on(stores(variables={"COLOUR": "red", "TOKEN": "public"}), seen(PRESENT))
    remote = session.remotes["app1"]
    assert isinstance(remote, ScriptedHost)
    before = 'DATABASE_URL="pg://old-password"\nTOKEN="old-token"\nCOLOUR="blue"'
    remote.answers("section").answers("section", "release/app.env", text=before)
    found = "\n".join(differences(session, prepare(session).change))
    assert "-DATABASE_URL=" in found
    assert "old-" not in found


def test_a_separate_data_host_gets_its_passwords_between_start_and_switch_of_the_first(open_on: Open):
    app, data = Host(name="app1", address="10.1", roles=("app",)), Host(name="data1", address="10.2", roles=("data",))
    on_app = replace(seen(""), containers=(*serving().containers, *make_containers("", proxy=1)))
    on_app = replace(on_app, releases=(having(FORMER),))
    on_data = replace(Observation("data1", on_app.facts), passwords=FORMER, stack_hash="s")
    on_data = replace(on_data, containers=make_containers("", postgres=1, redis=1))
    plan = prepare(open_on(stores("present", app, data), on_app, on_data)).plan
    order = [(step.host, step.key) for step in plan.steps()]
    wanted_order = [("app1", "listen"), ("data1", "passwords"), ("app1", "switch"), ("data1", "settle")]
    assert [one for one in order if one in wanted_order] == wanted_order
    assert ("data1", "receive") in order
