"""Files that `inv dev.up` writes, rendered from env/ and templates/ of this project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autogrowth_ops.config import load_environment
from autogrowth_ops.model.environment import Environment, Service
from autogrowth_ops.operations.development import FOLDER, ports
from autogrowth_ops.render import Renderer

CHECKOUT = Path(__file__).parent.parent.parent
Golden = Callable[[str, str], None]


def development() -> Environment:
    return load_environment("development", CHECKOUT, need_secrets=False)


def files(environment: Environment) -> dict[str, str]:
    rendered = Renderer(environment, CHECKOUT).development(FOLDER, "1000:1000", ports(environment, {}))
    return {file.path: file.text for file in rendered}


@pytest.mark.parametrize("path", ["compose.yml", "app.env", "logging.conf", "postgres.env", "Dockerfile"])
def test_development_files(path: str, golden: Golden):
    golden(f"development/{path}", files(development())[path])


def test_other_processes_than_the_public_one_carry_the_name_of_both(golden: Golden):
    environment = development()
    services = {**environment.app.services, "scheduler": Service(command=("python", "main.py", "scheduler"))}
    stack = replace(environment.stack, postgres=None)
    several = replace(environment, app=replace(environment.app, services=services), stack=stack)
    golden("development/two_processes.compose.yml", files(several)["compose.yml"])


def test_a_chosen_port_goes_over_the_usual_one():
    assert ports(development(), {"web": 8001, "redis": 6380}) == {"web": 8001, "redis": 6380, "postgres": 5432}
