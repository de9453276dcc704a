"""Several hosts, and the card's three commands, literally, against hosts that stand in for production."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from autogrowth_ops.sandbox import hosts as sandbox

from .project import APP, Project, make_project

PAIR = """\
hosts:
  app1: {address: 192.0.2.1, private_address: 10.0.0.1}
  app2: {address: 192.0.2.2, roles: [app]}
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose production has two app hosts, the second without datastores; stand-ins are up."""
    made = make_project(Path(tmp_path_factory.mktemp("fleet")) / "project", f"{APP}-fleet")
    yml = made.root / "env" / "production.yml"
    text = yml.read_text()
    start, end = text.index("hosts:"), text.index("app:")
    yml.write_text(text[:start] + PAIR + "\n" + text[end:])
    made.commit()
    made.inv("sandbox.up", "--env=production")
    yield made
    made.inv("sandbox.down", "--env=production")


def version(project: Project, host: str) -> str:
    found = {one.name: one for one in sandbox.find(f"{project.app}-production")}
    with urllib.request.urlopen(f"http://127.0.0.1:{found[host].http_port}/version", timeout=10) as answer:
        return str(json.load(answer)["release"])


def test_the_commands_of_the_card_work_literally(production: Project) -> None:
    first = json.loads(production.inv("deploy", "--env=production", "--sandbox", "--json").stdout)
    assert {version(production, host) for host in ("app1", "app2")} == {first["release"]}
    production.change("main.py", "from __future__", "# second\nfrom __future__")
    second = production.inv("deploy", "--env=production", "--sandbox", "--skip-tests")
    steps = second.stderr
    assert steps.index("app1: verify through the proxy") < steps.index("app2: start web")
    assert version(production, "app2") != first["release"]
    production.inv("rollback", "--sandbox")
    assert {version(production, host) for host in ("app1", "app2")} == {first["release"]}
    checked = production.inv("checklist", "--host=app1", "--sandbox", check=False)
    assert checked.returncode == 7
    assert [line for line in checked.stdout.splitlines() if "✗" in line and "backups" not in line] == []


def test_a_host_without_datastores_reaches_them(production: Project) -> None:
    found = json.loads(production.inv("health", "--env=production", "--sandbox", "--json").stdout)
    names = {(check["host"], check["name"]) for check in found["checks"]}
    assert found["verdict"] == "passed"
    assert ("app2", "api") in names
    assert ("app2", "postgres") not in names
    assert found["trips"] == {"app1": 1, "app2": 1}


def test_datastores_are_published_on_the_private_address_only(production: Project) -> None:
    shown = production.inv("render", "--env=production", "--host=app1", "--file=stack/compose.yml").stdout
    ports = [line.strip() for line in shown.splitlines() if ":5432" in line or ":6379" in line]
    assert ports == ['ports: ["10.0.0.1:5432:5432"]', 'ports: ["10.0.0.1:6379:6379"]']


def test_other_passwords_reach_every_host_and_stay_with_a_rollback(production: Project) -> None:
    file = production.root / "env" / "production.secrets"
    production.inv("deploy", "--env=production", "--sandbox", "--skip-tests")
    file.touch(mode=0o600)
    file.write_text("POSTGRES_PASSWORD='other \"$# 비번'\nREDIS_PASSWORD='other too'\n")
    outcome = production.json("deploy", "--env=production", "--sandbox", "--skip-tests")
    changed = json.loads(production.inv("health", "--env=production", "--sandbox", "--json").stdout)
    back = production.json("rollback", "--env=production", "--sandbox")
    kept = json.loads(production.inv("health", "--env=production", "--sandbox", "--json").stdout)
    assert back["was"] == outcome["release"]
    assert (changed["verdict"], kept["verdict"]) == ("passed", "passed")


def test_a_failure_on_one_host_undoes_all(production: Project) -> None:
    before = {host: version(production, host) for host in ("app1", "app2")}
    production.change("main.py", "from __future__", "# third\nfrom __future__")
    production.change("main.py", "def main", "raise SystemExit('broken here')\n\n\ndef main")
    done = production.inv("deploy", "--env=production", "--sandbox", "--skip-tests", check=False)
    assert done.returncode == 4
    assert "broken here" in done.stderr
    assert {host: version(production, host) for host in ("app1", "app2")} == before
