from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrowth_ops.commands import host as words
from autogrowth_ops.model.environment import Service
from autogrowth_ops.model.observation import Facts, Lock, Observation
from autogrowth_ops.model.plan import Command
from tests.fakes import FIT, NOON, make_containers, make_release, observation_sections

RELEASE = make_release()
LOCK = Lock("kim", "laptop", 4711, "2026-11-23T11:00:00Z", "deploy r1")
SEEN = Observation(
    host="app1",
    facts=replace(FIT, clock_skew_seconds=-2.5),
    current=RELEASE.id,
    releases=(make_release("20261123-100000-bbbbbbb", state="bad", reason='said "no"'), RELEASE),
    containers=(*make_containers(RELEASE.id, web=2), *make_containers("", proxy=1)),
    images=(f"shop-production:{RELEASE.id}",),
    image_bytes=272_000_000,
    lock=LOCK,
    stack_hash="0123",
    source_tree="tree-aaaaaaa",
    proxied=RELEASE.id,
)


def parsed(**changes: tuple[int, str]) -> Observation:
    return words.parse_observation("app1", {**observation_sections(SEEN), **changes}, NOON.timestamp())


def test_an_observation_is_read_back_as_it_was():
    assert parsed() == SEEN


def test_a_new_host_is_read_as_empty():
    nothing = dict.fromkeys(observation_sections(SEEN), (0, ""))
    assert words.parse_observation("app1", nothing, 0.0) == Observation("app1", Facts(docker_answers=True))


def test_what_docker_did_not_answer_is_not_read():
    error = (1, "Cannot connect to the Docker daemon")
    seen = parsed(containers=error, images=error)
    assert (seen.containers, seen.images, seen.facts.docker_answers) == ((), (), False)


@pytest.mark.parametrize(
    ("size", "expected"), [("272MB", 272_000_000), ("1.02GB", 1_020_000_000), ("12kB", 12_000), ("7B", 7), ("N/A", 0)]
)
def test_the_largest_image_is_known(size: str, expected: int):
    assert parsed(images=(0, f"shop-production:a 1B\nshop-production:b {size}\n")).image_bytes == max(1, expected)


def test_a_record_that_cannot_be_read_is_kept_apart():
    seen = parsed(releases=(0, f'{RELEASE.to_json()}\n\n{{"half": \n'))
    assert seen.releases == (RELEASE,)
    assert "not a release record" in seen.unreadable[0]


def test_releases_are_read_oldest_first():
    text = "\n".join(release.to_json() for release in reversed(SEEN.releases))
    assert parsed(releases=(0, text)).releases == SEEN.releases


def test_warnings_between_containers_are_passed_over():
    code, text = observation_sections(SEEN)["containers"]
    assert parsed(containers=(code, f"WARNING: old API\n{text}")).containers == SEEN.containers


def test_a_label_without_a_value_is_passed_over():
    row = {"ID": "1", "Names": "n", "Labels": "plain,autogrowth.release=r1", "State": "exited", "Status": "Exited"}
    seen = parsed(containers=(0, json.dumps({**row, "Image": "i", "CreatedAt": "then"})))
    assert (seen.containers[0].release, seen.containers[0].service) == ("r1", "")


@pytest.mark.parametrize("text", ["", "\n"])
def test_no_owner_means_no_lock(text: str):
    assert words.parse_lock(text) is None


@pytest.mark.parametrize("text", ["{}", "{", "[]", '"kim"', '{"owner": "kim"}'])
def test_a_lock_with_an_unreadable_owner_is_still_a_lock(text: str):
    assert words.parse_lock(text) == Lock(what="its owner.json cannot be read")


@given(st.builds(Lock, st.text(), st.text(), st.integers(), st.text(), st.text()))
def test_a_lock_is_read_back_as_it_was_taken(lock: Lock):
    assert words.parse_lock(words.take_lock(lock)[1]) == lock


def test_a_recorded_release_is_good_and_has_places_for_what_the_host_knows():
    started = replace(RELEASE, state="started", reason="x", image_id=words.IMAGE_ID, timings={words.TIMINGS: 0})
    name, release_id, text = words.record(started)
    assert (name, release_id) == ("record", RELEASE.id)
    assert json.loads(text)["state"] == "good"
    assert '"@TIMINGS@": 0' in text


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (words.observe(), ("observe",)),
        (words.in_section("a", ("b", "c")), ("section", "a", "b", "c")),
        (words.reading("a", ("b",)), ("reading", "a", "b")),
        (words.in_step("a", ("b",)), ("step", "a", "b")),
        (words.in_undo("a", ("b",)), ("attempt", "a", "b")),
        (words.show("/a b"), ("show", "/a b")),
        (words.build(60, "i:t", "/D"), ("build", "60", "i:t", "/D")),
        (words.tag_image("i:1", "i:2"), ("docker", "tag", "i:1", "i:2")),
        (words.migrate("r1", 9, "web", ("python", "m p")), ("migrate", "r1", "9", "web", "python", "m p")),
        (words.wait_ready("r1", {"web": Service(port=80, health_path="/h")}), ("wait_ready", "r1", "web:60:80:/h")),
        (words.wait_ready("r1", {"worker": Service(start_timeout_seconds=9)}), ("wait_ready", "r1", "worker:9::")),
        (words.verify("r1", 15, ["http://x"]), ("verify", "r1", "15", "http://x#[1-3]")),
    ],
)
def test_words_stay_unquoted(call: Command, expected: Command):
    assert call == expected


FENCED = "#9 0.4 Collecting nope\n------\n > [build 5/5] RUN pip install:\n0.512 ERROR: none\n------\nDockerfile:9\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FENCED, "ERROR: none"),
        ("step 1\nERROR: failed to solve: no such image\n", "ERROR: failed to solve: no such image"),
        ("one\n------\nlast", "last"),
        ("------\n > [1/2] RUN x:\n------\nERROR: exit code: 1\n", "ERROR: exit code: 1"),
        ("", "no output"),
    ],
)
def test_a_failing_build_says_what_its_instruction_said(text: str, expected: str):
    assert words.parse_build_failure(text) == expected
