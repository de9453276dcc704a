from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrowth_ops import render
from autogrowth_ops.errors import ConfigError
from autogrowth_ops.model.environment import Host, Postgres, Redis, Service, Stack
from autogrowth_ops.model.plan import RenderedFile
from autogrowth_ops.model.release import Version
from autogrowth_ops.model.secret import Secret
from autogrowth_ops.render import Renderer, compose_value, digest, env_value, memory, url_quote
from tests.fakes import make_environment

ENVIRONMENT = make_environment()
VERSION = Version("0" * 40, "tree")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def with_template(tmp_path: Path, name: str, text: str) -> Renderer:
    (tmp_path / "templates").mkdir(exist_ok=True)
    (tmp_path / "templates" / name).write_text(text)
    return Renderer(ENVIRONMENT, tmp_path)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", '""'),
        ("plain", '"plain"'),
        ("a b # c", '"a b # c"'),
        ("it's", '"it\'s"'),
        ('say "yes"', '"say \\"yes\\""'),
        ("${X} $Y $$", '"\\${X} \\$Y \\$\\$"'),
        ("C:\\new", '"C:\\\\new"'),
        ("two\r\nlines", '"two\\r\\nlines"'),
        (Secret("$"), '"\\$"'),
    ],
)
def test_env_values_are_quoted_for_compose(value: str | Secret, expected: str):
    assert env_value(value) == expected


@given(texts)
def test_an_env_value_is_one_line(text: str):
    assert len(env_value(text).split("\n")) == 1


@given(texts)
def test_a_compose_value_is_read_back_by_json(text: str):
    assert json.loads(compose_value(text).replace("$$", "$")) == text


@given(texts | st.text("\x7f\x85\x9f\u2028\u2029\ufeff\ufffe\uffff"))
def test_a_compose_value_has_no_character_that_yaml_refuses(text: str):
    assert not [letter for letter in compose_value(text) if letter in "\x7f\x85\u2028\u2029\ufeff\ufffe\uffff"]


def test_korean_stays_readable_in_a_compose_file():
    assert compose_value("한국어 🚀") == '"한국어 🚀"'


def test_lists_are_compose_values():
    assert compose_value(("a", "$b")) == '["a", "$$b"]'


@given(texts)
def test_a_quoted_part_of_a_url_is_read_back(text: str):
    assert unquote(url_quote(Secret(text))) == text


def test_nothing_of_a_url_is_left_in_its_quoted_part():
    assert url_quote("a/b:c@d?e#f%g") == "a%2Fb%3Ac%40d%3Fe%23f%25g"


def test_memory_is_written_in_bytes():
    assert memory("1.5GiB") == '"1610612736b"'


def test_a_template_of_the_project_goes_before_the_packaged_one(tmp_path: Path):
    assert with_template(tmp_path, "Caddyfile.j2", "ours\n\n\n").text("Caddyfile") == "ours\n"


def test_packaged_templates_are_used_without_any_of_the_project(tmp_path: Path):
    assert "no release is live" in Renderer(ENVIRONMENT, tmp_path).text("Caddyfile")


def test_templates_inside_the_package_are_found_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "templates").mkdir()
    monkeypatch.setattr(render, "__file__", str(tmp_path / "render.py"))
    assert render.packaged_templates() == tmp_path / "templates"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a\n{{ nothing }}", "templates/x.j2:2: 'nothing' is undefined"),
        ("a\n\n{% if %}", "templates/x.j2:3: Expected an expression"),
        ("{% include 'gone.j2' %}", "templates/gone.j2: no such template"),
        ("{{ 'big' | memory }}", 'templates/x.j2:1: should be a size such as 512MiB or 1.5GiB, got "big"'),
        ("{{ 3 | env_value }}", "templates/x.j2:1: 'int' object has no attribute 'replace'"),
        ("{{ 'a' + 1 }}", "templates/x.j2:1: "),
        ("{{ 1 / 0 }}", "templates/x.j2:1: division by zero"),
    ],
)
def test_a_template_that_fails_says_where(tmp_path: Path, text: str, problem: str):
    with pytest.raises(ConfigError) as raised:
        with_template(tmp_path, "x.j2", text).text("x")
    assert raised.value.problems[0].startswith(problem)


def test_a_template_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match="templates/none.j2: no such template"):
        Renderer(ENVIRONMENT, tmp_path).text("none")


def variables(secret: str = "s", **texts: str) -> dict[str, str | Secret]:
    environment = make_environment(variables=texts, secret_values={"TOKEN": Secret(secret)}, secrets=("TOKEN",))
    return Renderer(environment, Path("/nonexistent")).variables()


def test_a_variable_without_expressions_stays_as_it_is():
    assert variables(A="100 % $x }}") == {"A": "100 % $x }}"}


def test_a_variable_may_use_the_environment():
    assert variables(A="{{ app.name }}-{{ stack.proxy.http_port }}") == {"A": "shop-80"}


def test_a_variable_made_with_a_secret_is_one():
    assert variables("a b", A="x:{{ secrets.TOKEN | url_quote }}") == {"A": Secret("x:a%20b")}


def test_a_variable_that_was_a_secret_already_stays_one():
    environment = replace(make_environment(), variables={"A": Secret("{{ x")})
    assert Renderer(environment, Path("/nonexistent")).variables() == {"A": Secret("{{ x")}


@pytest.mark.parametrize("text", ["{{ secrets.NONE }}", "{{ nothing }}", "{{ 1 / }}", "{{ 'a' + 1 }}"])
def test_a_variable_that_fails_is_named(text: str):
    with pytest.raises(ConfigError, match=r"production\.env: A: "):
        variables(A=text)


def test_names_of_secrets_are_known_for_masking():
    environment = make_environment(variables={"A": "{{ secrets.T }}", "B": "b"}, secret_values={"T": Secret("t")})
    names = Renderer(environment, Path("/nonexistent")).secret_names()
    assert names == {"A"}


DATA = Host(name="data1", address="b", roles=("data",), private_address="10.0.0.5")
APP = Host(name="app1", address="a", roles=("app",))


def stack_files(redis: Redis | None = None, postgres: Postgres | None = None) -> dict[str, RenderedFile]:
    secrets = {"POSTGRES_PASSWORD": Secret("pg-secret"), "R": Secret("rd-secret")}
    environment = make_environment(APP, DATA, stack=Stack(redis=redis, postgres=postgres), secret_values=secrets)
    return {file.path: file for file in Renderer(environment, Path("/nonexistent")).stack(DATA)}


def test_no_file_of_the_stack_has_a_password():
    stack = stack_files(redis=Redis(password_secret="R"), postgres=Postgres(database="d", user="u"))
    assert list(stack) == ["compose.yml"]
    assert not [text for text in (file.text for file in stack.values()) if "pg-secret" in text or "rd-secret" in text]


def test_a_data_host_without_datastores_has_an_empty_stack():
    assert list(stack_files()) == ["compose.yml"]


def test_an_app_host_finds_the_datastores_by_their_private_address():
    environment = make_environment(APP, DATA, stack=Stack(redis=Redis()))
    files = {file.path: file.text for file in Renderer(environment, Path("/nonexistent")).release("r1", VERSION, APP)}
    assert 'extra_hosts: {"postgres": "10.0.0.5", "redis": "10.0.0.5"}' in files["compose.yml"]


def test_an_application_without_public_service_has_no_caddyfile():
    environment = make_environment(services={"worker": Service()})
    files = Renderer(environment, Path("/nonexistent")).release("r1", VERSION, environment.hosts["app1"])
    assert [file.path for file in files] == ["compose.yml", "app.env", "logging.conf", "Dockerfile"]


FILES = (RenderedFile("a", "1"), RenderedFile("b", "2"))


def test_a_digest_does_not_depend_on_the_order_of_files():
    assert digest(FILES) == digest(FILES[::-1])


@pytest.mark.parametrize("other", [RenderedFile("c", "2"), RenderedFile("b", "3"), RenderedFile("b", "2", 0o600)])
def test_a_digest_depends_on_path_text_and_mode(other: RenderedFile):
    assert digest(FILES) != digest((FILES[0], other))


@given(st.lists(st.text(max_size=3), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_a_digest_tells_lists_of_texts_apart(first: list[str], second: list[str]):
    clean = [[text.replace("\0", "") for text in some] for some in (first, second)]
    assert (digest((), *clean[0]) == digest((), *clean[1])) == (clean[0] == clean[1])


COMPOSE = (render.packaged_templates() / "app.compose.yml.j2").read_text()
ANYWHERE = Host(name="app1", address="app1")


def test_a_release_file_of_ones_own_that_breaks_a_rule_is_refused(tmp_path):
    text = COMPOSE.replace("    pull_policy: never\n", "    pull_policy: never\n    container_name: web\n")
    renderer = with_template(tmp_path, "app.compose.yml.j2", text)
    files = renderer.release("r1", VERSION, ANYWHERE)
    with pytest.raises(ConfigError, match=r"^compose.yml:7: services/web/container_name: should not be there"):
        renderer.require_rules(files, "r1")


def test_a_release_file_of_ones_own_that_keeps_the_rules_is_taken(tmp_path):
    renderer = with_template(tmp_path, "app.compose.yml.j2", COMPOSE + "# more\n")
    renderer.require_rules(renderer.release("r1", VERSION, ANYWHERE), "r1")
