"""What a container that is not ready leaves behind, with a Docker that only repeats what it is asked."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autogrowth_ops.commands.frames import Block, FrameReader
from autogrowth_ops.commands.shell import script

NAME = "shop-production-20261123-110000-aaaaaaa-order-worker-2"
DOCKER = """#!/bin/sh
if [ "$1" = inspect ]; then printf '%s' "$STARTED"; else echo "$@"; fi
"""
Look = Callable[[str], Block]


@pytest.fixture
def evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """The evidence of NAME, which Docker says was started then."""
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    (tmp_path / "look").write_text(f"/{NAME} order-worker exited 0 3 false 10.0.0.2\n")

    def look(started: str) -> Block:
        monkeypatch.setenv("STARTED", started)
        variables = {"BASE": str(tmp_path), "PROJECT": "shop-production", "MARK": "@"}
        text = f'PATH={tmp_path}:$PATH\n{script([], variables)}\nTEMPORARY={tmp_path}\nevidence {NAME}\nTEMPORARY=""\n'
        outcome = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True)
        reader = FrameReader("@")
        [reader.feed(line) for line in outcome.stdout.splitlines()]
        return reader.blocks()[0]

    return look


def test_a_container_is_named_by_service_and_number(evidence: Look):
    assert evidence("").words == ("evidence", "order-worker-2")


def test_lines_from_before_its_last_start_are_left_out(evidence: Look):
    said = evidence("2026-11-23T11:00:00.250000000Z").text.splitlines()
    assert said == ["last health answer: none", f"logs --tail 50 --since 1795431599 {NAME}"]


def test_what_was_restarted_has_said_why_before_its_last_start(evidence: Look):
    assert evidence("").text.splitlines()[1] == f"logs --tail 50 {NAME}"
