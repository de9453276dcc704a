"""Files and scripts as they reach a host. After a wanted change: pytest tests/golden --update-golden; read the diff."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autogrowth_ops.commands import host as words
from autogrowth_ops.commands.shell import quoted
from autogrowth_ops.config import load_environment
from autogrowth_ops.engines import engine_for
from autogrowth_ops.model.environment import (
    App,
    Environment,
    Host,
    Limits,
    Logging,
    Migrate,
    Postgres,
    Proxy,
    Redis,
    Service,
    Stack,
)
from autogrowth_ops.model.plan import RenderedFile, undo_steps
from autogrowth_ops.model.release import Version
from autogrowth_ops.model.secret import Secret
from autogrowth_ops.render import ANY_RELEASE, Renderer
from tests.fakes import make_environment
from tests.plans import make_change, serving

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
VERSION = Version("0123456789abcdef0123456789abcdef01234567", "tree", subject="a change")
STORES = Stack(
    postgres=Postgres(database="shop", user="shop"), redis=Redis(password_secret="REDIS_PASSWORD"), proxy=Proxy()
)
SECRETS = {"POSTGRES_PASSWORD": Secret("pa$$ \"wo'rd\\"), "REDIS_PASSWORD": Secret("비번 #1")}
WITH_STORES = make_environment(
    stack=STORES,
    secrets=tuple(SECRETS),
    secret_values=SECRETS,
    variables={
        "DATABASE_URL": "postgresql://shop:{{ secrets.POSTGRES_PASSWORD | url_quote }}@postgres:5432/shop",
        "GREETING": "안녕 ${NAME} # kein \\ Kommentar",
    },
)
EVERY_OPTION = Service(
    command=("python", "main.py", "--name", "it's $HOME"),
    port=9000,
    health_path="/ready?full=1",
    replicas=3,
    singleton=False,
    limits=Limits(memory="1.5GiB", cpus=1.25, reserved_memory="512MiB", reserved_cpus=0.25),
    start_timeout_seconds=120,
    stop_grace_seconds=45,
)
ONLY_APP = Host(name="app1", address="203.0.113.10", roles=("app",), private_address="10.0.0.4")
ONLY_DATA = Host(name="data1", address="203.0.113.11", roles=("data",), private_address="10.0.0.5")


def production() -> Environment:
    return load_environment("production", CHECKOUT, need_secrets=False)


CASES: dict[str, Callable[[], Environment]] = {
    "production": production,
    "two_hosts": lambda: replace(WITH_STORES, hosts={"app1": ONLY_APP, "data1": ONLY_DATA}),
    "domains": lambda: make_environment(
        stack=Stack(proxy=Proxy(domains=("api.example.com", "www.example.com"), http_port=8080, https_port=8443))
    ),
    "domains_in_a_sandbox": lambda: make_environment(
        stack=Stack(proxy=Proxy(domains=("api.example.com",))), sandbox=True
    ),
    "every_option": lambda: make_environment(
        services={"web": EVERY_OPTION, "bot": Service(command=("python", "bot.py"), singleton=True)},
        logging=Logging(level="DEBUG", max_size="1.5MiB", files=9),
    ),
    "own_dockerfile": lambda: make_environment(
        app=App(
            name="shop",
            dockerfile="docker/Dockerfile",
            services={"web": Service(port=8000)},
            migrate=Migrate(command=("python", "migrate.py"), paths=("migrations",)),
        )
    ),
    "no_public_service": lambda: make_environment(services={"bot": Service()}),
}


def on_every_host(environment: Environment) -> dict[str, RenderedFile]:
    renderer = Renderer(environment, CHECKOUT)
    found: dict[str, RenderedFile] = {}
    for name, host in environment.hosts.items():
        release = renderer.release(ANY_RELEASE, VERSION, host) if host.is_app() else ()
        found |= {f"{name}/release/{file.path}": file for file in release}
        found |= {f"{name}/stack/{file.path}": file for file in renderer.stack(host)}
    return found


@pytest.mark.parametrize("case", CASES)
def test_rendered_files_are_as_they_were(case: str, golden: Callable[[str, str], None]):
    found = on_every_host(CASES[case]())
    golden(f"{case}/modes.txt", "".join(f"{file.mode:o} {path}\n" for path, file in found.items()))
    [golden(f"{case}/{path}", file.text) for path, file in found.items()]


@pytest.mark.parametrize("case", CASES)
def test_no_golden_file_is_left_over(case: str):
    there = {str(file.relative_to(HERE / case)) for file in (HERE / case).rglob("*") if file.is_file()}
    assert there == {"modes.txt", *on_every_host(CASES[case]())}


def test_the_script_of_a_code_change_is_as_it_was(golden: Callable[[str, str], None]):
    environment = production()
    plan = engine_for(environment).plan(make_change(environment, serving("prod1")))
    calls = [quoted(words.in_step(step.key, step.do)) for step in plan.steps()]
    golden("scripts/code_change.sh", "\n".join(calls) + "\n")


def test_the_script_of_its_undo_is_as_it_was(golden: Callable[[str, str], None]):
    environment = production()
    plan = engine_for(environment).plan(make_change(environment, serving("prod1")))
    steps = undo_steps(step for step in plan.steps() if not step.final)
    golden("scripts/code_change_undone.sh", "\n".join(quoted(words.in_undo(one.key, one.do)) for one in steps) + "\n")


@pytest.mark.parametrize("case", CASES)
def test_a_rendered_file_says_where_it_comes_from_and_ends_its_last_line(case: str):
    texts = {path: file.text for path, file in on_every_host(CASES[case]()).items()}
    assert not {path for path, text in texts.items() if not text.endswith("\n") or text.endswith("\n\n")}
    own = {path: text for path, text in texts.items() if not path.endswith(("postgres.env", "redis.env"))}
    assert {text.split(" from ")[0] for text in own.values()} == {"# generated"}
