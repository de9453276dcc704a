"""What a template of a project's own must not leave out of a release's Compose file, and must not write into it."""

from __future__ import annotations

import pytest

from autogrowth_ops.config.compose_rules import ReleaseRules, broken_rules

RULES = ReleaseRules(("web", "worker"), "web", "r1", {"autogrowth.project": "shop", "autogrowth.release": "r1"})
LABELS = "    labels: {autogrowth.project: shop, autogrowth.release: r1}\n"
NETWORKS = "    networks: {stack: {aliases: [web-r1, public-r1]}}\n"
KEPT = f"services:\n  web:\n{LABELS}{NETWORKS}  worker:\n{LABELS}"
SIDE = "two releases run side by side"
BROKEN = {
    "a name": (
        KEPT.replace("  worker:\n", "  worker:\n    container_name: worker\n"),
        f"6: services/worker/container_name: should not be there: {SIDE}, and a name is given once",
    ),
    "a port": (
        KEPT.replace("  web:\n", '  web:\n    ports: ["80:80"]\n'),
        f"3: services/web/ports: should not be there: {SIDE}, and a port is taken once; only the proxy listens on the host",
    ),
    "another release's label": (
        KEPT.replace("release: r1}\n    networks", "release: r0}\n    networks"),
        "2: services/web/labels: should have autogrowth.release: r1",
    ),
    "no alias": (
        KEPT.replace(", public-r1", ""),
        "2: services/web/networks: should have the alias public-r1 for the proxy",
    ),
    "a missing service": (
        f"services:\n  web:\n{LABELS}{NETWORKS}",
        "1: services/worker: missing, but declared in env/ (app/services/worker)",
    ),
    "no Compose file": ("- a\n", "1: should be keys and values, such as app:"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_rule_is_told_with_its_line(kind: str):
    text, expected = BROKEN[kind]
    assert broken_rules(text, "compose.yml", RULES) == (f"compose.yml:{expected}; mend templates/app.compose.yml.j2",)


AS_LIST = KEPT.replace(LABELS, "    labels: [autogrowth.project=shop, autogrowth.release=r1]\n")
MERGED = f"x-all: &all\n{LABELS}services:\n  web:\n    <<: *all\n{NETWORKS}  worker: {{<<: [*all]}}\n"
EXTENDED = KEPT.replace(f"  worker:\n{LABELS}", "  worker: {extends: {file: other.yml, service: worker}}\n")


MERGED_SERVICES = KEPT.replace("services:\n", "x-more: &more {}\nservices:\n  <<: *more\n")
NOT_OURS = KEPT + '  debug: {profiles: [debug], container_name: debug, ports: ["9000:9000"]}\n'
PUBLISHES_NOTHING = KEPT.replace("  worker:\n", "  worker:\n    ports: []\n")
TAGGED = KEPT.replace("  worker:\n", "  worker:\n    ports: !reset []\n    command: [test, =, a]\n")
RIGHT = {
    "mapping": KEPT,
    "list": AS_LIST,
    "merged": MERGED,
    "merged services": MERGED_SERVICES,
    "extended": EXTENDED,
    "a service that env/ does not name": NOT_OURS,
    "no ports": PUBLISHES_NOTHING,
    "tags of Compose": TAGGED,
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_rules_may_be_kept_in_every_way_that_compose_knows(text: str):
    assert broken_rules(text, "compose.yml", RULES) == ()


def test_everything_that_is_wrong_is_told_at_once():
    assert len(broken_rules("services: {web: {ports: [80], container_name: a}}\n", "compose.yml", RULES)) == 6
