"""Which environments there are, and which one is meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autogrowth_ops.config import default_environment_name, environment_names, environment_of_host, load_environment
from autogrowth_ops.config.suggestion import closest, did_you_mean
from autogrowth_ops.errors import ConfigError

MINIMAL = "app:\n  name: shop\n  services:\n    web: {port: 8000}\n"
HOSTS = "hosts: {prod1: {address: a}, prod2: {address: b}}\n"


def test_production_is_meant_when_nothing_is_said():
    assert default_environment_name() == "production"


def test_a_variable_of_the_process_says_what_is_meant(monkeypatch):
    monkeypatch.setenv("AUTOGROWTH_ENV", "staging")
    assert default_environment_name() == "staging"


def test_environments_are_the_yml_files_but_base_and_example(project):
    root = project({"production.env": ""}, staging="", production="", base="", example="")
    assert environment_names(root) == ("production", "staging")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (
            "prod",
            (
                "env/prod.yml: no such environment; there are: development, production, sandbox;"
                ' did you mean "production"?'
            ),
        ),
        (
            "Production",
            (
                "env/Production.yml: no such environment; there are: development, production, sandbox;"
                ' did you mean "production"?'
            ),
        ),
        ("x", "env/x.yml: no such environment; there are: development, production, sandbox"),
        (
            "../env/production",
            (
                "env/../env/production.yml: no such environment; there are: development, production, sandbox;"
                ' did you mean "production"?'
            ),
        ),
        ("base", "env/base.yml: holds what all environments share; name one of them"),
    ],
)
def test_a_name_without_a_file_is_refused_with_what_there_is(project, refusal, name, problem):
    root = project(development="", production="", sandbox="", base="")
    assert refusal(root, name=name) == (problem,)


def test_without_any_environment_it_says_so(project, refusal):
    assert refusal(project(base="")) == ("env/production.yml: no such environment; there are none",)


def test_an_environment_is_named_like_a_dns_label(project, refusal):
    assert refusal(project(Prod_1=MINIMAL), name="Prod_1") == (
        "env/Prod_1.yml: should be named with 1 to 32 lower case letters, digits and inner hyphens such as web-2",
    )


@pytest.mark.parametrize("ask", [environment_names, lambda root: load_environment("production", root)])
def test_a_folder_without_env_is_no_project(tmp_path, ask):
    with pytest.raises(ConfigError, match=re.escape(f"{tmp_path}: no project here: there is no folder env/; go to")):
        ask(tmp_path)


def test_the_environment_is_named_after_its_file_and_hosts_after_their_keys(project):
    environment = load_environment("staging", project(staging=f"{MINIMAL}hosts: {{app1: {{address: a}}}}\n"))
    assert (environment.name, environment.hosts["app1"].name) == ("staging", "app1")


def test_a_host_tells_its_environment(project):
    root = project(production=f"{MINIMAL}{HOSTS}", staging="hosts: {stage1: {address: c}}", development="hosts: []")
    assert environment_of_host("prod2", root) == "production"


def test_a_file_that_cannot_be_read_does_not_stand_in_the_way_of_other_hosts(project):
    root = project(production=f"{MINIMAL}{HOSTS}", staging="hosts: [", empty="")
    assert environment_of_host("prod1", root) == "production"


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        (
            "prod3",
            (
                "prod3: no such host; there are: shared (production), prod1 (production), prod2 (production),"
                ' shared (staging); did you mean "prod2"?'
            ),
        ),
        ("shared", "shared: declared in production, staging; say which one with --env"),
    ],
)
def test_a_host_of_no_or_several_environments_is_refused(project, host, problem):
    root = project(base="hosts: {shared: {address: z}}", production=HOSTS, staging="")
    with pytest.raises(ConfigError) as raised:
        environment_of_host(host, root)
    assert raised.value.problems == (problem,)


def test_without_any_host_it_says_so(project):
    with pytest.raises(ConfigError, match="prod1: no such host; no environment declares a host"):
        environment_of_host("prod1", project(development=MINIMAL))


@pytest.mark.parametrize(
    ("word", "meant"),
    [("prod", "production"), ("STAGIN", "staging"), ("prodcution", "production"), ("zzz", ""), ("", "")],
)
def test_a_suggestion_is_near_or_none(word, meant):
    assert closest(word, ("production", "staging", "stable")) == meant


def test_nothing_near_suggests_nothing():
    assert did_you_mean("zzz", ("production",)) == ""


def test_key_files_are_absolute_and_may_begin_at_home(project, tmp_path):
    host = "{address: a, identity_file: ~/.ssh/key, known_hosts: keys/known}"
    root = project(production=f"{MINIMAL}hosts: {{a: {host}}}\n")
    found = load_environment("production", root).hosts["a"]
    assert found.identity_file == str(tmp_path / "home" / ".ssh" / "key")
    assert found.known_hosts == str(root / "keys" / "known")


def test_folders_that_the_project_lacks_are_named(project, refusal):
    root = project(production=f"{MINIMAL}  dockerfile: D\n  migrate: {{command: [m], paths: [sql]}}\n")
    assert refusal(root) == (
        'production.yml:5: app/dockerfile: should be a file in ., there is no "D"',
        'production.yml:6: app/migrate/paths/0: should exist in ., there is no "sql"; migrations would never be run',
    )


def test_a_source_that_the_project_lacks_is_named_alone(project, refusal):
    root = project(production=f"{MINIMAL}  source: code\n  dockerfile: Dockerfile\n")
    assert refusal(root) == (
        'production.yml:5: app/source: should be a folder of the project, there is no "code"',
    )  # fmt: skip


def test_the_folders_of_a_project_are_found(project):
    root = project(production=f"{MINIMAL}  dockerfile: D\n  migrate: {{command: [m], paths: [migrations]}}\n")
    (root / "D").touch()
    (root / "migrations").mkdir()
    assert load_environment("production", root).app.dockerfile == "D"


def test_a_relative_root_is_enough(project, monkeypatch):
    monkeypatch.chdir(project(production=MINIMAL))
    assert load_environment("production", Path()).app.name == "shop"
