"""Words for the development environment, and what Docker answers to them."""

from __future__ import annotations

import json

from autogrowth_ops.commands.development import Compose, Running, logs, parse_containers

COMPOSE = Compose(("docker", "compose"), "shop-development", "/home/kim/shop", "/home/kim/shop/compose.yml")


def row(labels: str, ports: str = "") -> str:
    return json.dumps({"Labels": labels, "Ports": ports, "State": "running", "Status": "Up 3 minutes (healthy)"})


def test_a_compose_command_names_its_project_its_folder_and_its_file():
    assert " ".join(logs(COMPOSE, ["shop"], 30)) == (
        "env DOCKER_BUILDKIT=1 BUILDKIT_PROGRESS=plain docker compose --ansi=never --project-name shop-development "
        "--project-directory /home/kim/shop --file /home/kim/shop/compose.yml logs --no-color --tail 30 shop"
    )


def test_containers_are_found_by_service_with_their_ports_on_this_machine():
    printed = "\n".join(
        [
            row("a=b,com.docker.compose.service=web,c=d", "127.0.0.1:8001->8000/tcp"),
            row("com.docker.compose.service=redis", "127.0.0.1:6379->6379/tcp, [::1]:6379->6379/tcp, 9000/tcp"),
        ]
    )
    assert parse_containers(printed + "\n") == (
        Running("redis", "running", "Up 3 minutes (healthy)", (6379,)),
        Running("web", "running", "Up 3 minutes (healthy)", (8001,)),
    )


def test_no_output_is_no_container():
    assert parse_containers("") == ()
