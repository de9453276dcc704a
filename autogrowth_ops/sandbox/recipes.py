"""What an image is built from: a folder of `recipes/`, the machine's certificates and the images it starts from."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "recipes"
DIGEST_LENGTH = 12

_FROM = re.compile(r"^FROM\s+(\S+)(?:\s+AS\s+(\S+))?", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Recipe:
    """How a stand-in for `image` is built; a recipe without a Dockerfile is a root file system."""

    image: str
    folder: Path

    @property
    def dockerfile(self) -> str:
        """Text of the recipe's Dockerfile; empty for a root file system."""
        path = self.folder / "Dockerfile"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def parents(self) -> tuple[str, ...]:
        """Images that must exist before this one can be built."""
        return parents(self.dockerfile)


def recipe_for(image: str) -> Recipe:
    """The recipe whose folder is named like the image: recipes/postgres for postgres:15-alpine.

    Raise KeyError for an image that has none."""
    folder = FOLDER / image.partition(":")[0]
    if not folder.is_dir():
        raise KeyError(image)
    return Recipe(image, folder)


def parents(dockerfile: str) -> tuple[str, ...]:
    """Images named in FROM lines, once each, without the Dockerfile's own stages and arguments."""
    found = _FROM.findall(dockerfile)
    stages = {stage for _, stage in found if stage}
    return tuple(dict.fromkeys(image for image, _ in found if image not in stages and not image.startswith("$")))


def digest(recipe: Recipe, certificates: Sequence[str], started_from: Sequence[str]) -> str:
    """Hex digest that changes with any file of the recipe, any certificate and any digest in `started_from`."""
    content = hashlib.sha256(recipe.image.encode())
    for path in sorted(recipe.folder.iterdir()):
        content.update(b"\0".join((path.name.encode(), path.read_bytes(), b"")))
    for text in (*certificates, *started_from):
        content.update(text.encode() + b"\0")
    return content.hexdigest()


def write_context(recipe: Recipe, certificates: Sequence[str], target: Path) -> None:
    """Fill the empty folder `target` with all that `docker build` needs: the recipe's files and certificates/."""
    for path in recipe.folder.iterdir():
        copied = Path(shutil.copy(path, target))
        copied.chmod(0o755 if path.suffix == ".sh" else 0o644)
    (target / "certificates").mkdir()
    for number, certificate in enumerate(certificates, start=1):
        (target / "certificates" / f"machine-{number}.crt").write_text(certificate + "\n", encoding="utf-8")
