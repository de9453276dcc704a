"""Base images on the local engine: pulled where Docker Hub answers, otherwise stand-ins under the official names."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from autogrowth_ops.folders import cache_folder
from autogrowth_ops.sandbox import SandboxError
from autogrowth_ops.sandbox.certificates import machine_certificates
from autogrowth_ops.sandbox.debian import build_root_file_system
from autogrowth_ops.sandbox.recipes import DIGEST_LENGTH, FOLDER, Recipe, digest, recipe_for, write_context
from autogrowth_ops.sandbox.shell import Report, attempt, docker, docker_succeeds, only_one, run

BASE_IMAGES = ("python:3.11-slim", "postgres:15-alpine", "redis:7-alpine", "caddy:2")
HOST_IMAGE = "autogrowth-sandbox-host"
BARE_HOST_IMAGE = "autogrowth-sandbox-bare"

RECIPE_LABEL = "autogrowth.recipe"
PROBE_IMAGE = "hello-world"
PROBE_SECONDS = 8.0
AT_ONCE = 2


def ensure_base_images(report: Report, names: Sequence[str] = BASE_IMAGES) -> None:
    """Return when every image of `names` exists on the local engine and fits its recipe.

    Raise SandboxError if one can neither be pulled nor built."""
    store = ImageStore(report, machine_certificates())
    _side_by_side([partial(store.ensure, name) for name in names])


def ensure_host_image(report: Report, *, bare: bool) -> str:
    """Name of the image of a sandbox host, built when its recipe changed: a bare one, or one with an engine."""
    store = ImageStore(report, machine_certificates())
    bare_image = store.ensure_own(BARE_HOST_IMAGE, "bare")
    return bare_image if bare else store.ensure_own(HOST_IMAGE, "host", BARE=bare_image)


def ensure_all_images(report: Report) -> None:
    """Have the base images and both host images; faster than one after the other where they must be built."""
    _side_by_side([partial(ensure_host_image, report, bare=False), partial(ensure_base_images, report)])


@dataclass(frozen=True)
class ImageStore:
    """The local engine's images, seen as things to have: each way to get one is tried once, the cheapest first."""

    report: Report
    certificates: tuple[str, ...]

    @cached_property
    def hub_answers(self) -> bool:
        """Whether the engine can pull from Docker Hub; asked once, with the smallest image there is."""
        try:
            answer = attempt(["docker", "pull", "--quiet", PROBE_IMAGE], timeout_seconds=PROBE_SECONDS)
        except SandboxError:
            return False
        return answer.returncode == 0

    def ensure(self, image: str) -> None:
        """Have an official image or its stand-in. Raise SandboxError if there is no way to get it."""
        recipe = _known_recipe(image)
        wanted = self._digest(recipe)
        with _lock(recipe):
            if _label(image) in (wanted, ""):
                return
            if self.hub_answers:
                self._pull(image)
            elif not self._load(recipe, wanted):
                self._build(recipe, wanted, {})

    def ensure_own(self, name: str, folder: str, **arguments: str) -> str:
        """Have an image of ours, tagged with its recipe's digest; returns its full name."""
        recipe = Recipe(name, FOLDER / folder)
        wanted = self._digest(recipe, *arguments.values())
        tagged = Recipe(f"{name}:{wanted[:DIGEST_LENGTH]}", recipe.folder)
        with _lock(recipe):
            if _label(tagged.image) != wanted and not self._load(tagged, wanted):
                self._build(tagged, wanted, arguments)
                _remove_older(name, tagged.image)
        return tagged.image

    def _digest(self, recipe: Recipe, *arguments: str) -> str:
        started_from = tuple(self._digest(_known_recipe(parent)) for parent in recipe.parents)
        return digest(recipe, self.certificates, (*started_from, *arguments))

    def _pull(self, image: str) -> None:
        began = time.monotonic()
        docker("pull", "--quiet", image)
        self.report(f"pulled {image} ({time.monotonic() - began:.0f} s)")

    def _load(self, recipe: Recipe, wanted: str) -> bool:
        archive = _archive(recipe, wanted)
        if not archive.exists():
            return False
        began = time.monotonic()
        if not docker_succeeds("load", "--quiet", "--input", str(archive)) or _label(recipe.image) != wanted:
            archive.unlink()
            return False
        self.report(f"loaded {recipe.image} from the cache ({time.monotonic() - began:.0f} s)")
        return True

    def _build(self, recipe: Recipe, wanted: str, arguments: dict[str, str]) -> None:
        for parent in recipe.parents:
            self.ensure(parent)
        self.report(f"building {recipe.image}")
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="autogrowth-") as folder:
            if recipe.dockerfile:
                write_context(recipe, self.certificates, Path(folder))
                _build_dockerfile(recipe, wanted, Path(folder), arguments)
            else:
                self._build_root(recipe, wanted, Path(folder) / "root.tar")
        _save(recipe, wanted)
        self.report(f"built {recipe.image} ({time.monotonic() - began:.0f} s)")

    def _build_root(self, recipe: Recipe, wanted: str, archive: Path) -> None:
        suite = recipe.image.partition(":")[2].partition("-")[0]
        build_root_file_system(recipe.folder / "root_file_system.sh", suite, archive, self.report)
        changes = ("--change", f"LABEL {RECIPE_LABEL}={wanted}", "--change", 'CMD ["bash"]')
        docker("import", *changes, str(archive), recipe.image)


def _side_by_side(actions: Sequence[Callable[[], object]]) -> None:
    """Do all `actions`, two at once. Raise the first failure after all have ended."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        futures = [pool.submit(action) for action in actions]
    for future in futures:
        future.result()


def _lock(recipe: Recipe) -> AbstractContextManager[None]:
    """One process builds an image; a second one that wants it waits and finds it."""
    folder = cache_folder() / "locks"
    folder.mkdir(exist_ok=True)
    return only_one(folder / recipe.image.replace(":", "-").replace("/", "-"))


def _known_recipe(image: str) -> Recipe:
    try:
        return recipe_for(image)
    except KeyError as error:
        raise SandboxError(f"{image}: no stand-in for this image; known: {', '.join(BASE_IMAGES)}") from error


def _build_dockerfile(recipe: Recipe, wanted: str, context: Path, arguments: dict[str, str]) -> None:
    labels = ["--label", f"{RECIPE_LABEL}={wanted}"]
    given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    words = ["docker", "build", "--quiet", "--tag", recipe.image, *labels, *given, str(context)]
    run(["env", f"DOCKER_BUILDKIT={int(_has_buildkit())}", *words], timeout_seconds=1800)


def _has_buildkit() -> bool:
    """The client needs a plugin for BuildKit; without it only the older builder works."""
    return os.name == "posix" and docker_succeeds("buildx", "version")


def _label(image: str) -> str | None:
    """Digest of the recipe that `image` was built from; "" for one that we did not build, None if there is none."""
    words = ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{RECIPE_LABEL}"}}}}', image]
    answer = attempt(words)
    return None if answer.returncode else answer.stdout.strip()


def _remove_older(name: str, current: str) -> None:
    """Remove images of earlier recipes; the engine keeps those that a container still uses."""
    listed = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name).splitlines()
    for image in (found for found in listed if found != current):
        attempt(["docker", "image", "rm", image])


def _archive(recipe: Recipe, wanted: str) -> Path:
    folder = cache_folder() / "images"
    folder.mkdir(exist_ok=True)
    return folder / f"{_slug(recipe, wanted)}-{wanted[:DIGEST_LENGTH]}.tar"


def _slug(recipe: Recipe, wanted: str) -> str:
    return recipe.image.removesuffix(f":{wanted[:DIGEST_LENGTH]}").replace(":", "-").replace("/", "-")


def _save(recipe: Recipe, wanted: str) -> None:
    """Keep the image for the day when the engine has lost it, and forget the archive of the recipe before."""
    archive = _archive(recipe, wanted)
    unfinished = archive.with_suffix(".unfinished")
    docker("save", "--output", str(unfinished), recipe.image)
    for older in archive.parent.glob(f"{_slug(recipe, wanted)}-*.tar"):
        older.unlink()
    unfinished.rename(archive)
