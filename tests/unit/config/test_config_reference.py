"""What comes with the project: its environments, the example and the reference."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autogrowth_ops.config import environment_names, load_environment
from autogrowth_ops.config.reference import ANY_NAME, COMMAND, comments, key_paths, reference
from autogrowth_ops.config.schema import kind_at, kind_of, range_text
from autogrowth_ops.config.tree import Entry, child
from autogrowth_ops.config.validation import shown, validated
from autogrowth_ops.config.yaml_source import read_yaml
from autogrowth_ops.model.annotations import Interval
from autogrowth_ops.model.environment import Environment, Limits

ROOT = Path(__file__).parents[3]
SECTIONS = [(path[:-1], path[-1]) for path in key_paths() if path[-1] != ANY_NAME]


def has(entry: Entry | None, path: tuple[str, ...]) -> bool:
    if entry is None or not path:
        return entry is not None
    names = entry.value if path[0] == ANY_NAME else (path[0],)
    return any(has(child(entry, name), path[1:]) for name in names)


def alone(tmp_path: Path, name: str) -> Path:
    """A project with the example application and one environment's file."""
    (tmp_path / "env").mkdir()
    shutil.copy(ROOT / "env" / f"{name}.yml", tmp_path / "env")
    (tmp_path / "examples" / "trading_app" / "src" / "migrations").mkdir(parents=True)
    return tmp_path


def test_the_shipped_environments_are_three():
    assert environment_names(ROOT) == ("development", "production", "sandbox")


@pytest.mark.parametrize("name", environment_names(ROOT))
def test_a_shipped_environment_is_right(name):
    assert load_environment(name, ROOT, need_secrets=False).name == name


def test_production_has_the_ordered_limits():
    environment = load_environment("production", ROOT, need_secrets=False)
    web, stack = environment.app.services["web"], environment.stack
    assert (web.replicas, web.port) == (2, 8000)
    assert web.limits == Limits(memory="1GiB", cpus=0.5, reserved_memory="512MiB", reserved_cpus=0.25)
    assert (stack.redis.limits, stack.postgres.limits) == (
        Limits(memory="256MiB", cpus=0.25),
        Limits(memory="512MiB", cpus=0.5),
    )


def test_the_example_loads_by_itself(tmp_path):
    environment = load_environment("example", alone(tmp_path, "example"), need_secrets=False)
    assert isinstance(environment, Environment)


@pytest.fixture(scope="module")
def example():
    return read_yaml(ROOT / "env" / "example.yml")[0]


@pytest.mark.parametrize("path", list(key_paths()), ids="/".join)
def test_the_example_has_every_key(example, path):
    assert has(example, path), f"env/example.yml: {'/'.join(path)} is missing"


@pytest.mark.parametrize(("section", "key"), SECTIONS, ids=lambda part: "/".join(part) if part else "top")
def test_the_example_explains_every_key(section, key):
    kind = kind_at(section)
    lines = [line.strip() for line in (ROOT / "env" / "example.yml").read_text(encoding="utf-8").splitlines()]
    meaning, words = comments(kind.type, key)
    assert f"{meaning}\n{words}\n{key}:" in "\n".join(lines), f"should say above {key}:\n{meaning}\n{words}"


def test_the_reference_is_up_to_date():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == reference(), f"docs/configuration.md is old; run: {COMMAND}"


@pytest.mark.parametrize("keys", [("nothing",), ("root", "x"), ("app", "services", "web", "nothing")])
def test_the_schema_has_nothing_at_an_unknown_path(keys):
    with pytest.raises(KeyError):
        kind_at(keys)


def test_a_range_says_what_its_ends_are():
    assert [range_text(Interval(ge=1, le=2)), range_text(Interval(gt=0, le=2))] == ["1 to 2", "more than 0, up to 2"]


def test_a_kind_without_meaning_has_none():
    assert kind_of(str).doc() == ""


def test_an_entry_that_is_a_list_is_shown_as_one(tmp_path):
    file = tmp_path / "x.yml"
    file.write_text("app: [a]\n")
    entries, _ = read_yaml(file)
    assert (shown(entries), shown(child(entries, "app"))) == ("keys and values", "a list")
    assert validated(entries)[0] is None
