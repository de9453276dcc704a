from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from autogrowth_ops.errors import HostsFailed, HostUnready, Unreachable
from autogrowth_ops.model.environment import Host
from autogrowth_ops.model.event import Event
from autogrowth_ops.model.observation import Facts, Observation
from autogrowth_ops.operations.asking import why
from autogrowth_ops.operations.look import look, observe, preflight, unfit
from autogrowth_ops.session import Session
from tests.fakes import FIT, make_environment

Open = Callable[..., Session]
TWO = make_environment(Host(name="app1", address="10.1"), Host(name="app2", address="10.2"))
WITH_DATA = make_environment(*TWO.hosts.values(), Host(name="data1", address="10.3", roles=("data",)))


def test_a_fit_host_has_no_problem():
    assert unfit(FIT, make_environment()) == ()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"has_docker": False, "docker_answers": False}, "Docker is not installed; run: inv setup --env=production"),
        (
            {"can_use_docker": False, "docker_answers": False},
            "user deploy may not use Docker (no write permission on its socket); run: inv setup --env=production, "
            "or on the host: sudo usermod -aG docker deploy",
        ),
        (
            {"docker_answers": False},
            "the Docker daemon does not answer; on the host: sudo systemctl start docker, then: journalctl -u docker",
        ),
        ({"has_compose": False}, "Docker's Compose plugin is not installed; run: inv setup --env=production"),
        ({"has_buildx": False}, "Docker's buildx plugin is not installed; run: inv setup --env=production"),
        (
            {"has_compose": False, "has_buildx": False},
            "Docker's Compose and buildx plugin is not installed; run: inv setup --env=production",
        ),
        ({"has_tools": ("tar",)}, "curl is not installed; run: inv setup --env=production"),
        ({"has_tools": ("curl",)}, "tar is not installed; run: inv setup --env=production"),
        (
            {"is_folder_writable": False},
            "/srv/shop/production cannot be written by user deploy; run: inv setup --env=production",
        ),
        (
            {"disk_free_bytes": 2**30 - 1},
            "only 1024 MiB free on the disk of /srv/shop/production, policies/min_disk_free is 1GiB; "
            "free some: docker system df, docker builder prune",
        ),
        (
            {"image_disk_free_bytes": 2**30 - 1},
            "only 1024 MiB free on the disk of Docker's images; policies/min_disk_free, 1GiB, is to stay free; "
            "free some: docker system df, docker builder prune",
        ),
        (
            {"clock_skew_seconds": 61.2},
            "its clock is 61 s ahead of this machine's, at most 5 s are allowed; on the host: timedatectl set-ntp true",
        ),
        (
            {"clock_skew_seconds": -7.0},
            "its clock is 7 s behind this machine's, at most 5 s are allowed; on the host: timedatectl set-ntp true",
        ),
    ],
)
def test_a_host_that_is_not_fit_says_why_and_what_to_do(changes: dict[str, object], problem: str):
    assert unfit(replace(FIT, **changes), make_environment()) == (problem,)


@pytest.mark.parametrize("where", ["disk_free_bytes", "image_disk_free_bytes"])
def test_an_image_needs_its_room_beside_what_is_to_stay_free(where: str):
    facts = replace(FIT, **{where: 2 * 2**30})
    assert unfit(facts, make_environment(), 2**30) == ()
    assert unfit(facts, make_environment(), 2**30 + 1) == (
        "only 2 GiB free on the disk of Docker's images; an image takes about 1 GiB, and policies/min_disk_free, 1GiB, "
        "is to stay free; free some: docker system df, docker builder prune",
    )


def test_every_problem_is_told_at_once():
    assert len(unfit(Facts(), make_environment())) == 5


@pytest.mark.parametrize("skew", [5.0, -5.0])
def test_a_small_difference_of_clocks_is_borne(skew: float):
    assert unfit(replace(FIT, clock_skew_seconds=skew), make_environment()) == ()


def test_hosts_are_observed_by_name_in_declared_order(open_on: Open):
    assert list(observe(open_on(TWO))) == ["app1", "app2"]


def away(session: Session, *names: str) -> Session:
    for name in names:
        session.remotes[name].goes_away()  # type: ignore[attr-defined]
    return session


def test_a_host_of_datastores_that_is_away_is_told_of_and_left_out(open_on: Open, events: list[Event]):
    assert list(observe(away(open_on(WITH_DATA), "data1"))) == ["app1", "app2"]
    assert events == [Event("data1", "warning: left as it is, it gives no answer: connection refused", "note")]


def test_an_app_host_that_is_away_is_an_error(open_on: Open):
    with pytest.raises(Unreachable, match="^app2: connection refused$"):
        observe(away(open_on(WITH_DATA), "app2"))


def test_every_host_that_is_away_is_told_with_an_app_host(open_on: Open, events: list[Event]):
    with pytest.raises(HostsFailed, match="^app1: connection refused\ndata1: connection refused$"):
        observe(away(open_on(WITH_DATA), "app1", "data1"))
    assert events == []


def test_looking_at_hosts_of_which_none_answers_is_an_error(open_on: Open):
    with pytest.raises(HostsFailed):
        look(away(open_on(TWO), "app1", "app2"))


def test_looking_tells_of_the_hosts_that_are_away(open_on: Open):
    found, missing = look(away(open_on(TWO), "app1"))
    assert (list(found), list(missing), why("app1", missing)) == (["app2"], ["app1"], "connection refused")


def test_what_is_wrong_with_a_host_that_stays_as_it_is_is_only_told(open_on: Open, events: list[Event]):
    session = open_on(WITH_DATA, Observation("data1", replace(FIT, docker_answers=False)))
    preflight(session, observe(session))
    (event,) = events
    assert (event.host, event.title[:72]) == (
        "data1",
        "warning: left as it is, it is not fit: the Docker daemon does not answer",
    )


def test_a_host_whose_stack_changes_has_to_be_fit(open_on: Open):
    session = open_on(WITH_DATA, Observation("data1", replace(FIT, docker_answers=False)))
    with pytest.raises(HostUnready, match="data1: the Docker daemon does not answer"):
        preflight(session, observe(session), {"data1"})


def test_a_preflight_names_every_unfit_host(open_on: Open):
    session = open_on(TWO, *(Observation(name, Facts(user="deploy")) for name in TWO.hosts))
    with pytest.raises(HostUnready) as raised:
        preflight(session, observe(session))
    assert {line.split(":")[0] for line in str(raised.value).splitlines()} == {"app1", "app2"}


def test_a_preflight_lets_fit_hosts_pass(open_on: Open):
    session = open_on(TWO)
    preflight(session, observe(session))
