from __future__ import annotations

from dataclasses import replace

from autogrowth_ops.engines import engine_for
from autogrowth_ops.testing import FakeClock
from tests.fakes import FIT, NOON, ScriptedHost, make_environment
from tests.plans import serving

ENVIRONMENT = make_environment()
HOST = ENVIRONMENT.hosts["app1"]


def test_a_host_is_observed_in_one_trip():
    remote = ScriptedHost(HOST).shows(serving())
    assert engine_for(ENVIRONMENT).observe(remote, FakeClock(NOON)) == serving()
    assert remote.trips == 1


def test_a_clock_that_is_wrong_is_seen():
    seen = replace(serving(), facts=replace(FIT, clock_skew_seconds=42.0))
    remote = ScriptedHost(HOST).shows(seen)
    assert engine_for(ENVIRONMENT).observe(remote, FakeClock(NOON)).facts.clock_skew_seconds == 42.0


def test_observing_changes_nothing():
    remote = ScriptedHost(HOST).shows(serving())
    engine_for(ENVIRONMENT).observe(remote, FakeClock(NOON))
    assert remote.calls() == (("observe",),)
