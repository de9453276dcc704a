"""What the Compose file of a release has to keep, whoever wrote its template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .tree import Complaint, Entry, Origin, child, children
from .yaml_source import parse_yaml

MEND = "mend templates/app.compose.yml.j2"


@dataclass(frozen=True)
class ReleaseRules:
    """What is expected: `services` by name, of which the proxy asks `public` (empty: none), and the labels of each."""

    services: tuple[str, ...]
    public: str
    release: str
    labels: Mapping[str, str]


def broken_rules(text: str, name: str, rules: ReleaseRules) -> tuple[str, ...]:
    """One line for each rule that the rendered `text` breaks, with the line in the file, which is called `name`."""
    root, complaints = parse_yaml(text, name)  # what env/ may not have, such as a tag, a Compose file may
    found = complaints if root is None else _broken(root, rules)
    return tuple(f"{complaint}; {MEND}" for complaint in sorted(found))


def _broken(root: Entry, rules: ReleaseRules) -> Iterator[Complaint]:
    services = child(root, "services") or Entry(Origin(root.origin.file, 1), {})
    for name in rules.services:
        if name not in _keys(services):
            yield Complaint(services.origin, f"services/{name}: missing, but declared in env/ (app/services/{name})")
        else:
            yield from _broken_of(name, _keys(services)[name], rules)


def _broken_of(name: str, service: Entry, rules: ReleaseRules) -> Iterator[Complaint]:
    for key, why in (
        ("container_name", "two releases run side by side, and a name is given once"),
        ("ports", "two releases run side by side, and a port is taken once; only the proxy listens on the host"),
    ):
        if (found := _keys(service).get(key)) and found.value:
            yield Complaint(found.origin, f"services/{name}/{key}: should not be there: {why}")
    if "extends" in _keys(service):
        return  # the rest may stand in another file
    labels = _pairs(_keys(service).get("labels"))
    for label, wanted in rules.labels.items():
        if labels.get(label) != wanted:
            yield Complaint(service.origin, f"services/{name}/labels: should have {label}: {wanted}")
    alias = f"public-{rules.release}"
    if name == rules.public and alias not in set(_aliases(service)):
        yield Complaint(service.origin, f"services/{name}/networks: should have the alias {alias} for the proxy")


def _keys(entry: Entry | None) -> Mapping[str, Entry]:
    """The entries of a mapping, with those that `<<` merges into it."""
    if entry is None:
        return {}
    own = children(entry)
    merged = own.get("<<")
    several = merged.value if merged and isinstance(merged.value, tuple) else (merged,)
    inherited = {key: value for one in reversed(several) for key, value in _keys(one).items()}
    return {**inherited, **{key: value for key, value in own.items() if key != "<<"}}


def _pairs(labels: Entry | None) -> Mapping[str, str]:
    """Labels, which Compose takes as a mapping or as a list of `name=value`."""
    if labels is None or not isinstance(labels.value, tuple):
        return {name: str(entry.value) for name, entry in _keys(labels).items()}
    pairs = (str(item.value).partition("=") for item in labels.value)
    return {name: value for name, _, value in pairs}


def _aliases(service: Entry) -> Iterator[str]:
    for network in _keys(_keys(service).get("networks")).values():
        aliases = _keys(network).get("aliases")
        yield from (str(one.value) for one in aliases.value) if aliases and isinstance(aliases.value, tuple) else ()
