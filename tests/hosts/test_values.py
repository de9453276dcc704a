"""Values, whatever characters they have, against the real Compose, Redis and Postgres of a host."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from autogrowth_ops.commands.shell import script
from autogrowth_ops.model.environment import Environment, Postgres, Redis, Service, Stack
from autogrowth_ops.model.observation import Observation
from autogrowth_ops.model.release import Version
from autogrowth_ops.model.secret import Secret
from autogrowth_ops.operations.passwords import to_set
from autogrowth_ops.remote import Remote
from autogrowth_ops.render import Renderer, compose_value, env_value
from tests.fakes import make_environment

Run = Callable[..., str]
TRICKY = (
    "$\"'\\#:= \t\r\n{}[]()!`%~@;|&<>?*,.-_abcefnrtuvxX0123한글ａ🚀\x01\x07\x0b\x0c\x7f\x85\u00a0\u2028\u2029\ufeff"
)
SAMPLES = (
    *(
        "",
        " ",
        "  lead",
        "trail  ",
        "$",
        "$$",
        "$$$",
        "${X}",
        "$X",
        "${X:-y}",
        "\\",
        "\\\\",
        "\\n",
        "\\\\n",
        "\\$",
        '\\"',
    ),
    *("\n", "\r\n", "\r", "\t", "'", '"', "'quoted'", '"quoted"', "#", "a # b", "a: b", "a=b", "null", "true", "1e3"),
    *("한국어", "🚀", "\\x41", "\\u0041", "\\101", "\\a", "\\0", "a\\", "a\\\\", "line\n\n  line", "\ufeffx", "\u2028"),
)
PASSWORD = 'it\'s "a" $X ${Y} \\n #1 비번 `id` %41/@:?&'
values = st.text(
    st.sampled_from(TRICKY) | st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
)


@pytest.fixture
def run(remote: Remote) -> Run:
    """Run a script in an empty folder of the host that holds these files; what it printed."""

    def run(script: str, files: Mapping[str, str]) -> str:
        in_folder = f'd=$(mktemp -d) && cd "$d" && tar -xf - || exit 1\n({script})\ncode=$?; rm -rf "$d"; exit "$code"'
        outcome = remote.run(in_folder, stdin=_tar(files), timeout_seconds=180)
        assert outcome.exit_code == 0, outcome.stderr or outcome.stdout
        return outcome.stdout

    return run


def _tar(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def compose_config(run: Run, files: Mapping[str, str]) -> dict[str, str | None]:
    """The variables of the service `a`, as Compose reads these files; in its output `$` is doubled."""
    found = json.loads(run("docker compose --project-name values config --format json", files))
    environment: dict[str, str | None] = found["services"]["a"]["environment"]
    return {name: value.replace("$$", "$") if value else value for name, value in environment.items()}


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@example(list(SAMPLES))
@given(st.lists(values, min_size=200, max_size=200))
def test_any_value_arrives_through_env_file_and_environment(run: Run, some: list[str]):
    in_file = {f"FILE_{number}": text for number, text in enumerate(some)}
    inline = {f"INLINE_{number}": text for number, text in enumerate(some)}
    compose = f"services: {{a: {{image: x, env_file: [a.env], environment: {_mapping(inline)}}}}}\n"
    lines = "".join(f"{name}={env_value(text)}\n" for name, text in in_file.items())
    assert compose_config(run, {"compose.yml": compose, "a.env": lines}) == {**in_file, **inline}


def _mapping(texts: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {compose_value(text)}" for name, text in texts.items()) + "}"


def test_any_word_of_a_command_arrives(run: Run):
    compose = f"services: {{a: {{image: x, command: {compose_value(SAMPLES)}}}}}\n"
    found = json.loads(run("docker compose --project-name values config --format json", {"compose.yml": compose}))
    assert [word.replace("$$", "$") for word in found["services"]["a"]["command"]] == list(SAMPLES)


def environment(postgres_password: str, redis_password: str) -> Environment:
    stack = Stack(postgres=Postgres(database="shop", user="shop"), redis=Redis(password_secret="REDIS_PASSWORD"))
    return make_environment(
        name="values",
        services={"worker": Service()},
        stack=stack,
        secret_values={"POSTGRES_PASSWORD": Secret(postgres_password), "REDIS_PASSWORD": Secret(redis_password)},
        variables={"DATABASE_URL": "postgresql://shop:{{ secrets.POSTGRES_PASSWORD | url_quote }}@postgres:5432/shop"},
    )


def rendered(chosen: Environment) -> dict[str, str]:
    """The stack's files and what sets its passwords, and a Compose file of a client with the application's variables."""
    renderer, host = Renderer(chosen, Path("/nonexistent")), chosen.hosts["app1"]
    files = {file.path: file.text for file in renderer.stack(host)}
    release = {file.path: file.text for file in renderer.release("r1", Version("0" * 40, ""), host)}
    client = f"services: {{client: {{image: postgres:15-alpine, env_file: [app.env], networks: [stack]}}}}\n{NETWORK}"
    verifiers = {
        f"passwords.next/{file.path}": file.text
        for file in to_set(chosen, {"app1": Observation("app1")}, "new")["app1"]
    }
    return {**files, **verifiers, "app.env": release["app.env"], "client.yml": client}


NETWORK = "networks: {stack: {external: true, name: shop-values}}\n"
SET_PASSWORDS = script([("set_passwords", "", "new")], {"BASE": ".", "PROJECT": "shop-values", "MARK": "@"})
ASK = """
stack() {{ docker compose --project-name shop-values --file compose.yml "$@"; }}
trap 'stack down --volumes --timeout 0 >/dev/null 2>&1' EXIT
stack up --detach --wait --quiet-pull >/dev/null 2>&1 || {{ stack logs; exit 1; }}
mkdir stack && ({set_passwords}) || exit 1
{question}
"""
POSTGRES = """docker compose --project-name shop-client --file client.yml run --rm --no-TTY client \
  sh -c 'exec psql "$DATABASE_URL" --no-align --tuples-only --command="select 42"' </dev/null 2>/dev/null"""
REDIS = """stack exec --no-TTY redis sh -c 'REDISCLI_AUTH=$(cat; printf x); export REDISCLI_AUTH="${REDISCLI_AUTH%x}"
  redis-cli ping' <password"""
UNKNOWN = "stack exec --no-TTY redis redis-cli ping </dev/null"


@pytest.fixture
def ask(run: Run) -> Callable[..., str]:
    def ask(question: str, postgres_password: str, redis_password: str) -> str:
        files = {**rendered(environment(postgres_password, redis_password)), "password": redis_password}
        return run(ASK.format(question=question, set_passwords=SET_PASSWORDS), files).strip()

    return ask


PREPARED = "Ⅸ a\u00adb\u00a0 é e\u0301 비번"  # a client of Postgres asks with another text than it is given
UNASSIGNED = "Ⅸ\u00ad🚀"  # and here with this one, because the rocket is younger than the rules


@pytest.mark.parametrize(
    ("postgres", "redis"),
    [(PASSWORD, PASSWORD), (PREPARED, "two\nlines\r\nCONFIGURATION\nrest "), (UNASSIGNED, "🚀")],
)
def test_stores_take_their_passwords_whatever_characters_they_have(ask: Callable[..., str], postgres: str, redis: str):
    answers = [line for line in ask(f"{REDIS}\n{UNKNOWN}\n{POSTGRES}", postgres, redis).splitlines() if line]
    assert answers == ["PONG", "NOAUTH Authentication required.", "42"]
