"""What must hold between the keys of an environment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrowth_ops.model.environment import (
    App,
    Environment,
    Hooks,
    Host,
    Limits,
    Logging,
    Migrate,
    Policies,
    Postgres,
    Proxy,
    Redis,
    Service,
    Stack,
)
from autogrowth_ops.model.rules import Problem, problems
from autogrowth_ops.model.rules.hosts import is_private
from autogrowth_ops.model.rules.stack import secrets_used

WEB = Service(port=8000)
PLAIN = Environment(name="production", app=App(name="shop", services={"web": WEB}))
GOING_DOWN = Policies(migrate_down="on_rollback")
POSTGRES = Postgres(database="shop", user="shop")
NETWORKS = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7"


def services(**named: Service) -> Environment:
    return replace(PLAIN, app=replace(PLAIN.app, services=named))


def hosts(stack: Stack | None = None, **named: Host) -> Environment:
    return replace(PLAIN, hosts=named, stack=stack or Stack(), secrets=("POSTGRES_PASSWORD",))


def limited(**limits: object) -> Environment:
    return services(web=replace(WEB, limits=Limits(**limits)))


def app(**keys: object) -> Environment:
    return replace(PLAIN, app=replace(PLAIN.app, **keys))


def with_address(address: str) -> Environment:
    return hosts(a=Host(address="a", private_address=address))


APP1 = Host(address="app1", roles=("app",))
DATA1 = Host(address="data1", roles=("data",))
BOTH = Host(address="both")
WITH_DATA = Stack(postgres=POSTGRES)

WRONG = {
    "a reserved service": (
        services(web=WEB, redis=Service()),
        "app/services/redis: should have another name; proxy, postgres, redis, migrate are taken by the stack",
    ),
    "a singleton twice": (
        services(web=WEB, jobs=Service(singleton=True, replicas=2)),
        "app/services/jobs/replicas: should be 1 for a singleton, got 2",
    ),
    "a public singleton": (
        services(web=Service(port=1, singleton=True)),
        "app/services/web/singleton: should be false for the public service; requests would fail at every deploy",
    ),
    "a command of nothing": (
        services(web=replace(WEB, command=("",))),
        "app/services/web/command/0: should not be empty",
    ),
    "two ports and no public service": (
        services(web=WEB, admin=WEB),
        "app/public: missing; several services have a port, name one of web, admin",
    ),
    "a public service without a port": (
        app(services={"web": WEB, "jobs": Service()}, public="jobs"),
        'app/public: should be a service that has a port, one of web; got "jobs"',
    ),
    "a public service where none has a port": (
        app(services={"jobs": Service()}, public="jobs"),
        'app/public: should be a service that has a port, but none has; got "jobs"',
    ),
    "a public service that is unknown": (
        app(public="wbe"),
        'app/public: should be a service that has a port, one of web; got "wbe"',
    ),
    "a migration of an unknown service": (
        app(migrate=Migrate(command=("m",), service="jobs")),
        'app/migrate/service: should be one of the services web; got "jobs"',
    ),
    "a migration without any service": (
        app(services={"jobs": Service()}, migrate=Migrate(command=("m",))),
        "app/migrate/service: missing; no service is public, name one whose variables and limits it gets",
    ),
    "a migration of nothing": (
        app(migrate=Migrate(command=("",))),
        "app/migrate/command/0: should not be empty",
    ),
    "a root that climbs": (replace(PLAIN, root="/srv/../etc"), 'root: should not contain "..", got "/srv/../etc"'),
    "a source outside": (app(source="../other"), 'app/source: should not contain "..", got "../other"'),
    "a Dockerfile outside": (app(dockerfile="a/../../b"), 'app/dockerfile: should not contain "..", got "a/../../b"'),
    "a way back of nothing": (
        app(migrate=Migrate(command=("m",), down=("",))),
        "app/migrate/down/0: should not be empty",
    ),
    "taking back without words": (
        replace(app(migrate=Migrate(command=("m",))), policies=GOING_DOWN),
        "policies/migrate_down: should be never without app/migrate/down, the words that take migrations back; "
        "got on_rollback",
    ),
    "taking back without migrations": (
        replace(PLAIN, policies=GOING_DOWN),
        "policies/migrate_down: should be never without app/migrate/down, the words that take migrations back; "
        "got on_rollback",
    ),
    "a hook of nothing": (
        replace(PLAIN, hooks=Hooks(on_failure=("",))),
        "hooks/on_failure/0: should not be empty",
    ),
    "migrations outside": (
        app(migrate=Migrate(command=("m",), paths=("a", "../b"))),
        'app/migrate/paths/1: should not contain "..", got "../b"',
    ),
    "less memory than Docker takes": (
        limited(memory="1MiB"),
        "app/services/web/limits/memory: should be at least 6MiB, Docker's minimum, got 1MiB",
    ),
    "more memory reserved than allowed": (
        limited(memory="1GiB", reserved_memory="1025MiB"),
        "app/services/web/limits/reserved_memory: should be at most memory (1GiB), got 1025MiB",
    ),
    "more cores reserved than allowed": (
        limited(cpus=0.5, reserved_cpus=1),
        "app/services/web/limits/reserved_cpus: should be at most cpus (0.5), got 1",
    ),
    "too little for the proxy": (
        replace(PLAIN, stack=Stack(proxy=Proxy(limits=Limits(memory="1KiB")))),
        "stack/proxy/limits/memory: should be at least 6MiB, Docker's minimum, got 1KiB",
    ),
    "too little for Postgres": (
        hosts(Stack(postgres=replace(POSTGRES, limits=Limits(memory="0MiB"))), a=BOTH),
        "stack/postgres/limits/memory: should be at least 6MiB, Docker's minimum, got 0MiB",
    ),
    "too little for Redis": (
        hosts(Stack(redis=Redis(limits=Limits(memory="5.9MiB"))), a=BOTH),
        "stack/redis/limits/memory: should be at least 6MiB, Docker's minimum, got 5.9MiB",
    ),
    "one port for two": (
        replace(PLAIN, stack=Stack(proxy=Proxy(http_port=443))),
        "stack/proxy/https_port: should differ from http_port, got 443 twice",
    ),
    "logs without room": (
        replace(PLAIN, logging=Logging(max_size="0.5KiB")),
        "logging/max_size: should be at least 1KiB, got 0.5KiB",
    ),
    "an undeclared password of Postgres": (
        replace(PLAIN, stack=WITH_DATA),
        "stack/postgres/password_secret: should be a name that is declared in secrets (none is)",
    ),
    "an undeclared password of Redis": (
        replace(PLAIN, stack=Stack(redis=Redis(password_secret="hunter2")), secrets=("A", "B")),
        "stack/redis/password_secret: should be a name that is declared in secrets (A, B)",
    ),
    "a secret twice": (replace(PLAIN, secrets=("A", "B", "A")), "secrets/2: given twice, as secrets/0 too"),
    "a variable with an unknown secret": (
        replace(PLAIN, variables={"URL": "{{ secrets.A }}{{ secrets.A }}"}),
        "variables/URL: uses the secret A, which is not declared in secrets",
    ),
    "a secret among the variables": (
        replace(PLAIN, variables={"A": "x"}, secrets=("A",)),
        "variables/A: is a secret; its value belongs in env/production.secrets",
    ),
    "an address with a port": (
        hosts(a=Host(address="203.0.113.10:2222")),
        (
            "hosts/a/address: should be without a port; write address: 203.0.113.10 and port: 2222,"
            ' got "203.0.113.10:2222"'
        ),
    ),
    "two hosts at one place": (
        hosts(a=replace(APP1, address="X"), b=replace(APP1, address="x", port=22)),
        "hosts/b/address: should not be the place of a too, got x port 22 twice",
    ),
    "no host for the application": (hosts(a=DATA1), "hosts: missing: a host with the role app"),
    "no host for the datastores": (
        hosts(WITH_DATA, a=APP1),
        "hosts: missing: a host with the role data, where the stack's datastores run",
    ),
    "two hosts for the datastores": (
        hosts(a=BOTH, b=DATA1),
        "hosts/b/roles: should have the role data once, datastores live on one host; got a, b",
    ),
    "no way to the datastores": (
        hosts(WITH_DATA, a=APP1, b=DATA1),
        "hosts/b/private_address: missing; a cannot reach the datastores without it",
    ),
} | {
    f"{address} as a private address": (
        with_address(address),
        f'hosts/a/private_address: should be an IP address in a private network ({NETWORKS}), got "{address}"',
    )
    for address in ("0.0.0.0", "127.0.0.1", "8.8.8.8", "169.254.1.1", "::1", "::", "2001:4860::1", "1.2", "10.0.0.0/8")
}
RIGHT = {
    "the plainest": PLAIN,
    "no public service": services(jobs=Service(singleton=True)),
    "a chosen public service": app(services={"web": WEB, "admin": WEB}, public="admin"),
    "a way back": replace(app(migrate=Migrate(command=("m",), down=("d",))), policies=GOING_DOWN),
    "hooks": replace(PLAIN, hooks=Hooks(before_deploy=("true",))),
    "a migration of the public service": app(migrate=Migrate(command=("m",), paths=("a..b",))),
    "reservations up to the limits": limited(memory="1GiB", reserved_memory="1024MiB", cpus=1, reserved_cpus=1),
    "datastores on this machine": replace(PLAIN, stack=WITH_DATA, secrets=("POSTGRES_PASSWORD",)),
    "everything on one host": hosts(WITH_DATA, a=BOTH),
    "datastores apart": hosts(WITH_DATA, a=APP1, b=replace(DATA1, private_address="10.0.0.5")),
    "several apps without datastores": hosts(a=APP1, b=replace(APP1, port=2222), c=Host(address="::1", roles=("app",))),
    "Redis without a password": hosts(Stack(redis=Redis()), a=BOTH),
    "a secret handed to the application": replace(PLAIN, variables={"A": "{{ secrets.A }}"}, secrets=("A",)),
}


def told(problem: Problem) -> str:
    return f"{'/'.join(map(str, problem.keys))}: {problem.message}"


@pytest.mark.parametrize(("environment", "problem"), WRONG.values(), ids=WRONG)
def test_a_contradiction_is_told_with_its_place(environment, problem):
    assert [told(found) for found in problems(environment)] == [problem]


@pytest.mark.parametrize("environment", RIGHT.values(), ids=RIGHT)
def test_what_can_be_deployed_has_no_problems(environment):
    assert problems(environment) == ()


@pytest.mark.parametrize("address", ["10.1.2.3", "172.31.0.1", "192.168.1.1", "100.100.1.1", "fd00::1"])
def test_addresses_of_private_networks_are_private(address):
    assert is_private(address)


@given(st.ip_addresses(v=4, network="127.0.0.0/8") | st.ip_addresses(v=4, network="8.0.0.0/7"))
def test_no_loopback_or_public_address_is_private(address):
    assert not is_private(str(address))


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("https://secrets.example.com", ()),
        ("{{ secrets.A | url_quote }}:{{ secrets . B }}", ("A", "B")),
        ("{{ secrets['A'] ~ secrets.A }}", ("A",)),
        ("{% if secrets.A %}x{% endif %}", ("A",)),
        ("{{ app.name }}", ()),
    ],
)
def test_the_secrets_of_a_template_are_those_in_its_expressions(template, names):
    assert secrets_used(template) == names


@pytest.mark.parametrize(
    ("is_rehearsal", "options"), [(False, "--env=production"), (True, "--env=production --sandbox")]
)
def test_hints_carry_the_options_that_mean_the_environment(is_rehearsal: bool, options: str):
    assert replace(PLAIN, is_rehearsal=is_rehearsal).options == options
