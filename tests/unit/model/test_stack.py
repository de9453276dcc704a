from __future__ import annotations

import pytest

from autogrowth_ops.model.environment import Environment, Host, Postgres, Redis, Service, Stack
from autogrowth_ops.model.observation import Observation
from autogrowth_ops.model.secret import Secret
from autogrowth_ops.model.stack import password_secrets, passwords, stack_services, without_passwords
from tests.fakes import make_containers, make_environment

STORES = Stack(postgres=Postgres(database="d", user="u"), redis=Redis(password_secret="R"))
VALUES = {"POSTGRES_PASSWORD": Secret("pg"), "R": Secret("rd"), "TOKEN": Secret("t")}
WITH_STORES = make_environment(stack=STORES, secret_values=VALUES)
APP = Host(name="app1", address="10.1", roles=("app",))
DATA = Host(name="data1", address="10.2", roles=("data",))
BOTH = Host(name="one", address="10.3")
WORKERS = make_environment(services={"worker": Service()}, stack=STORES)


@pytest.mark.parametrize(
    ("environment", "host", "expected"),
    [
        (WITH_STORES, APP, ("proxy",)),
        (WITH_STORES, DATA, ("postgres", "redis")),
        (WITH_STORES, BOTH, ("proxy", "postgres", "redis")),
        (make_environment(), BOTH, ("proxy",)),
        (WORKERS, APP, ()),
    ],
)
def test_each_host_has_its_part_of_the_stack(environment: Environment, host: Host, expected: tuple[str, ...]):
    assert stack_services(environment, host) == expected


def test_datastores_have_the_passwords_of_their_secrets():
    assert passwords(WITH_STORES) == {"postgres": Secret("pg"), "redis": Secret("rd")}
    assert password_secrets(WITH_STORES) == {"POSTGRES_PASSWORD", "R"}


def test_a_redis_without_password_has_an_empty_one():
    environment = make_environment(stack=Stack(redis=Redis()))
    assert (passwords(environment), password_secrets(environment)) == ({"redis": Secret("")}, frozenset())


def test_an_environment_without_passwords_keeps_its_other_secrets():
    values = without_passwords(WITH_STORES).secret_values
    assert values == {"POSTGRES_PASSWORD": Secret(""), "R": Secret(""), "TOKEN": Secret("t")}


SEEN = Observation(
    "one", containers=(*make_containers("", proxy=1), *make_containers("", "exited", redis=1)), stack_hash="s"
)
PARTS = ("proxy", "postgres", "redis")


def test_what_stands_still_or_is_not_there_is_lacking():
    assert SEEN.lacks(PARTS) == ("postgres", "redis")
    assert SEEN.lacks(PARTS, even_stopped=True) == ("postgres",)


def test_a_service_of_a_release_is_none_of_the_stack():
    assert Observation("one", containers=make_containers("r1", proxy=1), stack_hash="s").lacks(("proxy",)) == ("proxy",)


def test_a_stack_that_was_never_installed_lacks_nothing():
    assert Observation("one").lacks(PARTS) == ()


@pytest.mark.parametrize(("path", "expected"), [("rotation", True), ("passwords.next", True), ("stack.next", False)])
def test_a_change_of_passwords_that_was_cut_off_is_seen(path: str, expected: bool):
    assert Observation("one", leftovers=(path,)).is_rotating() is expected
