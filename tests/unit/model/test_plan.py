from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from autogrowth_ops.model.plan import Batch, Payload, Plan, RenderedFile, SourceChange, Step, undo_steps

PAYLOAD = Payload((RenderedFile("a", "b"),), SourceChange("tree"))


def step(key: str, host: str = "app1", **changes: object) -> Step:
    return replace(Step(host, key, f"do {key}", (key,)), **changes)


def plan(*batches: tuple[Step, ...], at_once: int = 1) -> Plan:
    return Plan(tuple(Batch(f"batch {number}", steps, at_once) for number, steps in enumerate(batches)))


steps = st.builds(
    lambda key, host, payload: step(key, host, payload=PAYLOAD if payload else None),
    st.text("abc", min_size=1, max_size=3),
    st.sampled_from(["app1", "app2"]),
    st.booleans(),
)
plans = st.lists(st.lists(steps, max_size=4).map(tuple), max_size=6).map(lambda batches: plan(*batches))


def test_neighbours_on_one_host_become_one_batch():
    assert plan((step("lock"),), (step("build"),)).coalesced() == plan((step("lock"), step("build")))


def test_batches_of_different_hosts_stay_apart():
    apart = plan((step("start"),), (step("start", "app2"),))
    assert apart.coalesced() == apart


def test_a_batch_of_two_hosts_stays_alone():
    apart = plan((step("lock"),), (step("build"), step("build", "app2")), (step("start"),))
    assert apart.coalesced() == apart


def test_two_payloads_never_share_a_script():
    apart = plan((step("receive", payload=PAYLOAD),), (step("receive", payload=PAYLOAD),))
    assert apart.coalesced() == apart


def test_empty_batches_are_left_out():
    assert plan((), (step("lock"),), ()).coalesced().batches == (Batch("batch 1", (step("lock"),)),)


@given(plans)
def test_coalescing_changes_no_step_and_no_order(some: Plan):
    assert some.coalesced().steps() == some.steps()


@given(plans)
def test_coalescing_never_makes_more_batches(some: Plan):
    assert len(some.coalesced().batches) <= len(some.batches)


@given(plans)
def test_coalescing_joins_hosts_only_where_they_were_together(some: Plan):
    together = {batch.hosts() for batch in some.batches}
    assert {batch.hosts() for batch in some.coalesced().batches} <= together


@given(plans)
def test_coalescing_twice_is_coalescing_once(some: Plan):
    assert some.coalesced().coalesced() == some.coalesced()


def test_a_batch_names_its_hosts_as_they_first_appear():
    batch = Batch("start", (step("a", "app2"), step("b", "app1"), step("c", "app2")))
    assert batch.hosts() == ("app2", "app1")


def test_a_batch_gives_the_steps_of_one_host_in_order():
    batch = Batch("start", (step("a"), step("b", "app2"), step("c")))
    assert [one.key for one in batch.on("app1")] == ["a", "c"]


def test_undo_goes_newest_first_and_skips_what_needs_none():
    done = [step("lock", undo=("release_lock",)), step("ready"), step("switch", undo=("switch", "old"))]
    assert [one.do for one in undo_steps(done)] == [("switch", "old"), ("release_lock",)]


def test_an_undo_step_says_what_it_undoes_and_keeps_host_and_limit():
    undone = undo_steps([step("build", "app2", undo=("remove_image",), timeout_seconds=99)])
    assert undone == (Step("app2", "undo-build", "undo: do build", ("remove_image",), timeout_seconds=99),)
