"""docs/tasks.md against the tasks. In a process of its own: Invoke empties the help of options that it has read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from autogrowth_ops.tasks import GROUPS, collection
from autogrowth_ops.tasks.reference import COMMAND, TITLES

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def page() -> str:
    words = (sys.executable, "-m", "autogrowth_ops.tasks.reference")
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_reference_of_the_tasks_is_up_to_date(page: str):
    written = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    assert written == page, f"docs/tasks.md is old; run: {COMMAND}"


def test_every_task_is_in_it(page: str):
    assert set(re.findall(r"^### `inv (.+)`$", page, re.MULTILINE)) == set(collection(ROOT).task_names)


def test_every_task_says_what_it_does(page: str):
    assert re.findall(r"^### (.+)\n\n\n", page, re.MULTILINE) == []


def test_every_option_says_what_it_means(page: str):
    assert re.findall(r"^\| `(--.+)` \|  \|$", page, re.MULTILINE) == []


def test_every_group_of_tasks_has_a_title():
    assert {module for modules in GROUPS.values() for module in modules} <= set(TITLES)
