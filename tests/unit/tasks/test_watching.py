from __future__ import annotations

import pytest

from autogrowth_ops.model.check import Check
from autogrowth_ops.model.observation import Observation
from autogrowth_ops.operations.status import host_status
from autogrowth_ops.tasks.watching import _details, _show_status
from tests.fakes import make_containers, make_release

SERVING, KEPT = make_release(), make_release("20261123-100000-bbbbbbb")
CONTAINERS = (*make_containers(SERVING.id, web=2), *make_containers(KEPT.id, "exited", web=2))
OBSERVED = Observation("app1", current=SERVING.id, releases=(KEPT, SERVING), containers=CONTAINERS)
DETAILS = "\n".join(f"{one.id} 0 0 0 then false sha256:1" for one in CONTAINERS)
BODY = "200 " + "x" * 200


@pytest.mark.parametrize(("every", "rows"), [(False, 4), (True, 6)])
def test_stopped_containers_of_kept_releases_are_listed_on_demand(
    capsys: pytest.CaptureFixture[str], every: bool, rows: int
):
    _show_status(host_status(OBSERVED, DETAILS), "en", every=every)
    said = capsys.readouterr().out
    assert ("2 stopped containers of 1 kept release; to list them: --all" in said) is not every
    assert len([line for line in said.splitlines() if line.startswith(("app1", "container", "web-"))]) == rows


def test_a_stopped_container_of_what_serves_is_always_listed(capsys: pytest.CaptureFixture[str]):
    stopped = Observation(
        "app1", current=SERVING.id, releases=(SERVING,), containers=make_containers(SERVING.id, "exited", web=1)
    )
    details = "\n".join(f"{one.id} 0 0 0 then false sha256:1" for one in stopped.containers)
    _show_status(host_status(stopped, details), "en", every=False)
    assert "Exited (0)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "letters"), [("api", 80), ("replica:web-1", 80), ("postgres", len(BODY)), ("replicas:web", len(BODY))]
)
def test_bodies_are_cut_in_the_table_only(name: str, letters: int):
    assert len(_details(Check("app1", name, "passed", BODY))) == letters


def test_status_is_read_in_korean(capsys: pytest.CaptureFixture[str]):
    _show_status(host_status(OBSERVED, DETAILS), "ko", every=False)
    said = capsys.readouterr().out.splitlines()
    assert said[1].split() == ["컨테이너", "릴리스", "상태", "재시작", "메모리", "CPU"]
    assert said[-1] == "보관된 릴리스 1개의 중지된 컨테이너 2개; 목록: --all"
