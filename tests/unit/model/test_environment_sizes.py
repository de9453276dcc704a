"""Sizes, and what an environment tells about itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrowth_ops.model.environment import App, Environment, Host, Service
from autogrowth_ops.model.sizes import UNITS, size_bytes, written_size

APP1 = Host(address="app1", roles=("app",))
DATA1 = Host(address="data1", roles=("data",))


@pytest.mark.parametrize(
    ("text", "size"), [("1KiB", 1024), ("512MiB", 536_870_912), ("1.5GiB", 1_610_612_736), ("0.3KiB", 307)]
)
def test_a_size_is_a_number_of_bytes(text, size):
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "1", "1GB", "1g", "1 GiB", "-1GiB", ".5GiB", "1GiB\n", "\u0661GiB"])
def test_anything_else_is_no_size(text):
    with pytest.raises(ValueError, match="should be a size such as 512MiB or"):
        size_bytes(text)


@given(st.integers(0, 2**20), st.sampled_from(sorted(UNITS)))
def test_whole_sizes_are_exact(number, unit):
    assert size_bytes(f"{number}{unit}") == number * UNITS[unit]


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1.5 * 2**20, "1.5 MiB"), (2**40, "1024 GiB")]
)
def test_a_size_is_written_in_its_largest_unit(size, text):
    assert written_size(size) == text


@pytest.mark.parametrize(
    ("services", "public", "expected"),
    [
        ({"web": Service(port=1), "jobs": Service()}, "", "web"),
        ({"web": Service(port=1), "admin": Service(port=2)}, "admin", "admin"),
        ({"jobs": Service()}, "", ""),
    ],
)
def test_the_public_service_is_the_named_or_the_only_one_with_a_port(services, public, expected):
    assert App(name="shop", services=services, public=public).public_service() == expected


def test_an_environment_knows_its_hosts_and_its_place():
    app = App(name="shop", services={"web": Service()})
    environment = Environment(name="production", app=app, hosts={"app1": APP1, "data1": DATA1})
    assert (environment.app_hosts(), environment.data_host()) == ((APP1,), DATA1)
    assert (environment.project, environment.folder) == ("shop-production", "/srv/shop/production")


def test_this_machine_has_no_data_host():
    assert Environment(app=App(name="shop", services={"web": Service()})).data_host() is None
