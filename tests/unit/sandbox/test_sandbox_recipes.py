from __future__ import annotations

from pathlib import Path

import pytest

from autogrowth_ops.sandbox.images import BASE_IMAGES
from autogrowth_ops.sandbox.recipes import Recipe, digest, parents, recipe_for, write_context


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    folder = tmp_path / "recipe"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM debian:bookworm-slim\n")
    (folder / "start.sh").write_text("#!/bin/sh\n")
    return Recipe("thing:1", folder)


def test_parents_are_the_images_that_a_dockerfile_starts_from():
    text = (
        "FROM python:3.11-slim AS wheel\nFROM debian:bookworm-slim\nFROM wheel\nFROM ${BARE}\nFROM python:3.11-slim\n"
    )
    assert parents(text) == ("python:3.11-slim", "debian:bookworm-slim")


@pytest.mark.parametrize("image", BASE_IMAGES)
def test_every_base_image_has_a_recipe_and_so_have_its_parents(image: str):
    assert all(recipe_for(parent).folder.is_dir() for parent in recipe_for(image).parents)


def test_an_image_without_a_recipe_is_refused():
    with pytest.raises(KeyError):
        recipe_for("mysql:8")


def test_the_digest_stays_while_nothing_changes(recipe: Recipe):
    assert digest(recipe, ["authority"], ["parent"]) == digest(recipe, ["authority"], ["parent"])


def test_the_digest_changes_with_a_file(recipe: Recipe):
    before = digest(recipe, [], [])
    (recipe.folder / "start.sh").write_text("#!/bin/sh\nexit 1\n")
    assert digest(recipe, [], []) != before


@pytest.mark.parametrize(("certificates", "started_from"), [(["authority"], []), ([], ["other parent"])])
def test_the_digest_changes_with_what_the_build_is_given(
    recipe: Recipe, certificates: list[str], started_from: list[str]
):
    assert digest(recipe, certificates, started_from) != digest(recipe, [], [])


def test_a_build_context_has_runnable_scripts_and_the_certificates(recipe: Recipe, tmp_path: Path):
    target = tmp_path / "context"
    target.mkdir()
    write_context(recipe, ["PEM"], target)
    assert (target / "start.sh").stat().st_mode & 0o777 == 0o755
    assert (target / "Dockerfile").stat().st_mode & 0o777 == 0o644
    assert (target / "certificates" / "machine-1.crt").read_text() == "PEM\n"
