"""Real hosts for the tests: sandbox hosts of their own, shared by all of them and removed at the end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from autogrowth_ops.model.environment import Host
from autogrowth_ops.remote import FabricRemote
from autogrowth_ops.sandbox import hosts as sandbox
from autogrowth_ops.sandbox.hosts import SandboxHost

from .project import APP, Project, make_project

LONGEST_FIRST = ("test_faults", "test_fleet", "test_rotation", "test_deploy", "test_secrets", "test_in_flight")
COLUMNS = ("fault", "during", "behind the step", "failed requests", "seconds until put right")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the tests on hosts."""
    parser.addoption(
        "--thorough",
        action="store_true",
        help="all tests, such as every fault behind every step, not the usual ones only",
    )
    parser.addoption("--fault-report", metavar="FILE", help="put the table of faults into this page")


def pytest_configure(config: pytest.Config) -> None:
    """The markers."""
    config.addinivalue_line("markers", "thorough: run with --thorough only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only --thorough runs; files that take long come first, so that those who share end together."""
    if not config.getoption("--thorough"):
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    items.sort(key=lambda item: LONGEST_FIRST.index(item.path.stem) if item.path.stem in LONGEST_FIRST else 99)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table of faults, also into the page that was named."""
    ended = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, ())]
    rows = [
        row for report in ended for name, row in report.user_properties if name == "fault" and report.when == "call"
    ]
    if not rows:
        return
    from .test_faults import in_order

    rows.sort(key=in_order)
    lines = [f"| {' | '.join(row)} |" for row in (COLUMNS, ("---",) * len(COLUMNS), *rows)]
    terminalreporter.section("faults")
    terminalreporter.write_line("\n".join(lines))
    if page := config.getoption("--fault-report"):
        before, mark, _ = Path(page).read_text().partition("<!-- the table of faults -->\n")
        Path(page).write_text(before + mark + "\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with one sandbox host, on which a first release serves."""
    made = make_project(Path(tmp_path_factory.mktemp("project")) / "project", APP)
    was_there = bool(sandbox.find(f"{APP}-sandbox"))
    made.inv("sandbox.up", "--env=sandbox")
    made.inv("deploy", "--env=sandbox", "--skip-tests")
    yield made
    if not was_there:
        made.inv("sandbox.down", "--env=sandbox")


@pytest.fixture
def host(project: Project) -> SandboxHost:
    """The project's sandbox host."""
    return sandbox.find(f"{project.app}-sandbox")[0]


@pytest.fixture
def remote(host: SandboxHost) -> Iterator[FabricRemote]:
    """A connection to the project's sandbox host."""
    opened = connect(host)
    yield opened
    opened.close()


@pytest.fixture
def restored(project: Project) -> Iterator[None]:
    """The project's files as they were, committed again behind the test."""
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project.root, capture_output=True, text=True, check=True
    ).stdout.strip()
    yield
    subprocess.run(["git", "reset", "--quiet", "--hard", head], cwd=project.root, check=True)


def settle(remote: FabricRemote) -> None:
    """Wait until what was replaced has stopped, at most a minute."""
    waiting = f"for _ in $(seq 120); do ls /srv/{APP}/*/releases/*/retires >/dev/null 2>&1 || break; sleep 0.5; done"
    remote.run(waiting, timeout_seconds=90)


def connect(host: SandboxHost, user: str = "") -> FabricRemote:
    """A connection to a sandbox host."""
    return FabricRemote(
        Host(
            name=host.name,
            address=host.address,
            port=host.port,
            user=user or host.user,
            identity_file=str(host.identity_file),
            known_hosts=str(host.known_hosts),
        ),
        10,
    )
