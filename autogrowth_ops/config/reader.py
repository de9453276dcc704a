"""Everything in env/ becomes one Environment, or one ConfigError with every problem."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from pathlib import Path

from autogrowth_ops.errors import ConfigError
from autogrowth_ops.model import rules
from autogrowth_ops.model.environment import Environment
from autogrowth_ops.model.rules import Problem
from autogrowth_ops.model.secret import Secret

from . import project
from .bindings import VALID_NAME, Bindings, read_bindings
from .files import environment_file, environment_names, only_host, sources
from .secret_values import from_process, missing, read_private, read_secrets, secret_values
from .tree import Complaint, Entry, child, children, merge, nearest, path
from .validation import validated
from .yaml_source import parse_overrides, read_yaml

NO_OVERRIDES: Mapping[str, str] = {}
Complaints = tuple[Complaint, ...]


def load_environment(
    name: str,
    root: Path,
    overrides: Mapping[str, str] = NO_OVERRIDES,
    *,
    need_secrets: bool = True,
    secrets_file: Path | None = None,
) -> Environment:
    """The environment `name` of the project at `root`, checked as a whole.

    Merges env/base.yml, env/<name>.yml, then `overrides` ("policies.keep_releases": "3"); later wins. Without
    `need_secrets`, a secret that has no value becomes PLACEHOLDER. `secrets_file` is one more place for values, under
    env/<name>.secrets; it need not exist, and names in it that are not declared are passed over.
    Raise ConfigError listing every problem as `production.yml:14: hosts/prod1/port: should be 1 to 65535, got 99999`:
    first of the writing and the shape of all files, and once that is right, of what contradicts itself."""
    environment_file(name, root)
    entries, misshapen = _entries(name, root, overrides)
    environment = None
    if entries:
        environment, refused = validated(entries)
        misshapen = (*misshapen, *refused)
    declared = _declared(entries)
    variables, unreadable = _variables(name, root)
    found, refused = _secrets(name, root, declared, secrets_file)
    lacking = missing(declared or (), found, _secrets_file(name, root)) if need_secrets else ()
    complaints = (*misshapen, *unreadable, *refused, *lacking)
    if not entries or not environment or misshapen:
        raise _refusal(complaints)
    environment = _filled(environment, name, root, variables, secret_values(environment.secrets, found))
    problems = (*rules.problems(environment), *project.problems(environment, root))
    complaints = (*complaints, *(_located(problem, entries, variables) for problem in problems))
    if complaints:
        raise _refusal(complaints)
    return environment


def environment_of_host(host: str, root: Path) -> str:
    """Name of the environment that declares `host`. Raise ConfigError if none or several do.

    A file that cannot be read declares no hosts, so that it never stands in the way of the others."""
    return only_host(host, {name: _host_names(name, root) for name in environment_names(root)})


def _entries(name: str, root: Path, overrides: Mapping[str, str]) -> tuple[Entry | None, Complaints]:
    """All layers merged, None if one of them cannot be read at all."""
    layers = [read_yaml(file) for file in sources(name, root, ".yml") if file.exists()]
    layers.append(parse_overrides(overrides))
    complaints = tuple(complaint for _, found in layers for complaint in found)
    entries = [entry for entry, _ in layers if entry]
    return (reduce(merge, entries) if len(entries) == len(layers) else None), complaints


def _host_names(name: str, root: Path) -> tuple[str, ...]:
    entries, _ = _entries(name, root, NO_OVERRIDES)
    hosts = child(entries, "hosts") if entries else None
    return tuple(children(hosts)) if hosts else ()


def _declared(entries: Entry | None) -> tuple[str, ...] | None:
    """Names of the declared secrets, None if that cannot be told."""
    if not entries:
        return None
    declared = child(entries, "secrets")
    items = declared.value if declared else ()
    if not isinstance(items, tuple):
        return None
    return tuple(item.value for item in items if isinstance(item.value, str) and VALID_NAME.fullmatch(item.value))


def _variables(name: str, root: Path) -> tuple[Bindings, Complaints]:
    parts = [read_bindings(file) for file in sources(name, root, ".env")]
    merged = {variable: binding for bindings, _ in parts for variable, binding in bindings.items()}
    return merged, tuple(complaint for _, complaints in parts for complaint in complaints)


def _secrets(
    name: str, root: Path, declared: tuple[str, ...] | None, extra: Path | None
) -> tuple[Mapping[str, str], Complaints]:
    own, complaints = read_secrets(_secrets_file(name, root), declared)
    more, refused = read_private(extra) if extra else ({}, ())
    found = {secret: binding.value for part in (more, own) for secret, binding in part.items() if binding.value}
    return {**found, **from_process(declared or ())}, (*complaints, *refused)


def _secrets_file(name: str, root: Path) -> Path:
    return sources(name, root, ".secrets")[-1]


def _filled(
    environment: Environment, name: str, root: Path, variables: Bindings, secrets: Mapping[str, Secret]
) -> Environment:
    return replace(
        environment,
        name=name,
        hosts={key: project.with_key_files(host, key, root) for key, host in environment.hosts.items()},
        variables={variable: binding.value for variable, binding in variables.items()},
        secret_values=secrets,
    )


def _located(problem: Problem, entries: Entry, variables: Bindings) -> Complaint:
    first, *rest = problem.keys
    if first == "variables":
        return Complaint(variables[str(rest[0])].origin, f"{path(rest)}: {problem.message}")
    return Complaint(nearest(entries, problem.keys).origin, f"{path(problem.keys)}: {problem.message}")


def _refusal(complaints: Iterable[Complaint]) -> ConfigError:
    return ConfigError([str(complaint) for complaint in sorted(set(complaints))])
