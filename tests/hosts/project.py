"""A project of the tests' own: the example application under another name, in a git checkout, with its sandbox hosts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
INV = Path(sys.executable).with_name("inv")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")  # of those that share the tests each has hosts of its own
APP = "-".join(filter(None, (os.environ.get("AUTOGROWTH_TESTS_APP", "tests-app"), WORKER)))  # two runs at once need two
COPIED = ("env", "templates", "tasks.py", "examples/trading_app")
PACKAGES = re.compile(r"apt-get update \\\n && apt-get install [^\n]* \\\n && rm -rf /var/lib/apt/lists/\*")
ONE_REPLICA, TWO_REPLICAS = "      replicas: 1\n", "      replicas: 2\n"


@dataclass(frozen=True)
class Project:
    """A checkout in `root` whose application is called `app`."""

    root: Path
    app: str

    def inv(self, *words: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `inv` in the project; its output as text. With `check`, anything but exit code 0 fails with the output."""
        environment = {**os.environ, "AUTOGROWTH_DEBUG": "1", "COLUMNS": "200", **variables}
        done = subprocess.run(
            [INV, *words],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"inv {' '.join(words)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *words: str) -> dict[str, object]:
        """What `inv ... --json` printed."""
        found = json.loads(self.inv(*words, "--json").stdout)
        assert isinstance(found, dict)
        return found

    def change(self, path: str, old: str, new: str, message: str = "change") -> None:
        """Replace text in a file of the example and commit."""
        file = self.source / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new))
        self.commit(message)

    def commit(self, message: str = "change") -> None:
        """Commit everything there is."""
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--allow-empty", "--message", message)

    @property
    def source(self) -> Path:
        """The application's folder."""
        return self.root / "examples" / "trading_app"


def make_project(root: Path, app: str, *, as_shipped: bool = False) -> Project:
    """The example as a project of its own at `root`, committed.

    Unless it is to be as it is shipped, hosts have less to do: one replica with a whole core, and an image without the
    compiler and the libraries that the example's packages do not need."""
    for name in COPIED:
        source, target = CHECKOUT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*", "*.secrets"))
        else:
            shutil.copy(source, target)
    base = root / "env" / "base.yml"
    text = base.read_text().replace("name: trading-app", f"name: {app}")
    base.write_text(text.replace("stack:\n", "stack:\n  proxy: {stream_close_seconds: 1}\n"))
    if not as_shipped:
        _lighten(root)
    (root / ".gitignore").write_text("__pycache__/\n.pytest_cache/\n/env/*.secrets\n")
    git(root, "init", "--quiet")
    git(root, "config", "user.name", "tests")
    git(root, "config", "user.email", "tests@example.invalid")
    project = Project(root, app)
    project.commit("first")
    return project


def _lighten(root: Path) -> None:
    for path, old, new in (
        ("env/base.yml", "        cpus: 0.5\n", "        cpus: 1.0\n"),
        ("env/sandbox.yml", TWO_REPLICAS, ONE_REPLICA),
        ("env/production.yml", TWO_REPLICAS, ONE_REPLICA),
    ):
        text = (root / path).read_text()
        assert old in text, f"{path} has no {old!r}"
        (root / path).write_text(text.replace(old, new))
    dockerfile = root / "templates" / "Dockerfile.j2"
    text, found = PACKAGES.subn("true", dockerfile.read_text())
    assert found == 2, "the Dockerfile installs its packages in other words"
    dockerfile.write_text(text)


def git(root: Path, *words: str) -> None:
    """Run git in the project."""
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, stdin=subprocess.DEVNULL)
