"""Guards for every test: no network, no home of the person who runs them, no working folder but a temporary one."""

from __future__ import annotations

import ipaddress
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import configuration, settings

TESTS = Path(__file__).parent
LOOPBACK = ("hosts", "unit/remote", "unit/sandbox")  # these talk to ports of this machine, and to nothing else
GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "kim",
    "GIT_AUTHOR_EMAIL": "kim@example.com",
    "GIT_COMMITTER_NAME": "kim",
    "GIT_COMMITTER_EMAIL": "kim@example.com",
    "GIT_AUTHOR_DATE": "2026-11-23T11:00:00Z",
    "GIT_COMMITTER_DATE": "2026-11-23T11:00:00Z",
}

configuration.set_hypothesis_home_dir(TESTS.parent / ".hypothesis")
settings.register_profile("ours", database=None, deadline=None, derandomize=True, max_examples=50)
settings.register_profile("long", database=None, deadline=None, max_examples=400)
settings.load_profile("ours")


def pytest_configure() -> None:
    """A shell that starts the tests in the background leaves SIGINT ignored; tests send it, and so do processes they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew; review them as a diff")


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections end in an error; those to this machine only where a test is meant to make them."""
    is_local_allowed = _is_below(request, *LOOPBACK)
    plain = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family != socket.AF_UNIX and not (is_local_allowed and _is_loopback(str(host))):
            raise AssertionError(f"a test must not connect to {address}")
        plain(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def nothing_of_this_machine(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Home and working folder are the test's own, a cache the run's; hosts tests see to it themselves."""
    if _is_below(request, "hosts"):
        return
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    for name in ("AUTOGROWTH_ENV", "AUTOGROWTH_DEBUG", "XDG_STATE_HOME", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the file of that path below tests/golden/; `--update-golden` writes the file."""

    def compare(path: str, text: str) -> None:
        file = TESTS / "golden" / path
        if request.config.getoption("--update-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.is_file(), f"{path}: no such golden file; write it with --update-golden"
        assert text == file.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git checkout with one commit: `requirements.txt`, `main.py`, `src/`. Not to be changed."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "src").mkdir()
    for name in ("requirements.txt", "main.py", "src/app.py"):
        (folder / name).write_text(f"# {name}\n")
    commit(folder, "first version")
    return folder


def commit(folder: Path, subject: str) -> None:
    """Commit everything in `folder`, a checkout or not yet one."""
    import os

    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", subject]):
        subprocess.run(["git", *words], cwd=folder, check=True, env={**os.environ, **GIT, "HOME": "/nonexistent"})


def tagged(folder: Path, name: str) -> None:
    """Give the newest commit of a checkout a name."""
    subprocess.run(["git", "tag", name], cwd=folder, check=True)


def _is_below(request: pytest.FixtureRequest, *folders: str) -> bool:
    return any(request.path.is_relative_to(TESTS / folder) for folder in folders)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
