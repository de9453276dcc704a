"""The application's source in git: which version it is, what changed, and the bytes to send."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from .commands import git
from .errors import UsageError
from .model.plan import Command, Payload, SourceChange
from .model.release import Version

MANY_PATHS = 500
SECRETS = re.compile(r"(^|/)env/[^/]+\.secrets$")
CHUNK = 1 << 18


class Source:
    """A folder inside a git checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def version(self, ref: str, *, allow_dirty: bool) -> Version:
        """The source at a ref; for HEAD, with `allow_dirty`, as it stands in the working folder.

        Raise UsageError if it is no git checkout, the ref is unknown, there are changes that were not committed, or it
        has what must not or cannot be sent."""
        commit_id, subject = self._commit(ref)
        folder = self._git(git.prefix()).strip()
        dirty = git.parse_uncommitted(self._git(git.uncommitted())) if ref == "HEAD" else ()
        if dirty and not allow_dirty:
            raise UsageError(
                f"{self.folder}: {len(dirty)} file{'s' * (len(dirty) > 1)} not committed ({', '.join(dirty[:3])}"
                f"{', ...' if len(dirty) > 3 else ''}); commit them, or deploy them as they are with --allow-dirty"
            )
        tree = self._working_tree(commit_id, folder) if dirty else self._tree(commit_id, folder)
        self._require_sendable(tree)
        return Version(commit_id, tree, ref, subject, bool(dirty))

    def _require_sendable(self, tree: str) -> None:
        found = git.parse_files(self._git(git.files(tree)))
        if secret := next((path for _, path in found if SECRETS.search(path)), ""):
            raise UsageError(
                f"{secret}: would be sent with the source, because git does not ignore it; write /env/*.secrets to "
                f".gitignore; if it was ever committed: git rm --cached {secret}, and change these secrets"
            )
        if module := next((path for mode, path in found if mode == git.SUBMODULE), ""):
            raise UsageError(
                f"{module}: a git submodule, whose files would not be sent; put them into this repository "
                "(git subtree), or install them as a package"
            )

    def has(self, tree: str) -> bool:
        """Whether this repository knows the tree, so that a difference to it can be told."""
        return bool(tree) and self._run(git.has_object(tree)).returncode == 0

    def hash_of(self, tree: str, folders: Sequence[str]) -> str:
        """A name for the content of some folders of a tree; empty if there are none."""
        found = [self._run(git.tree(tree, folder.strip("/"))).stdout.decode().strip() for folder in folders]
        return "-".join(found)[:200]

    def commits_between(self, base: str, target: str) -> tuple[str, ...]:
        """Subjects of the commits since `base`; empty if that cannot be told."""
        outcome = self._run(git.log_between(base, target))
        return tuple(outcome.stdout.decode(errors="replace").splitlines()) if outcome.returncode == 0 else ()

    def difference(self, change: SourceChange) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(changed, removed) paths; everything counts as changed without a base."""
        if not change.base:
            return (), ()
        return git.parse_difference(self._git(git.difference(change.base, change.tree)))

    def export(self, tree: str, target: Path) -> None:
        """Unpack a tree into an empty folder."""
        with self._archive(tree, ()) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            tar.extractall(target)  # noqa: S202 git made it from the operator's own checkout

    def pack(self, payload: Payload) -> IO[bytes]:
        """The payload as a tar, at its start: rendered files under their paths, the source below `source/`."""
        packed: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=16 << 20)  # noqa: SIM115
        try:
            with tarfile.open(fileobj=packed, mode="w") as tar:
                for file in payload.files:
                    _add(tar, file.path, file.text, file.mode)
                if payload.source:
                    self._add_source(tar, payload.source)
        except BaseException:
            packed.close()
            raise
        packed.seek(0)
        return packed

    def _add_source(self, tar: tarfile.TarFile, change: SourceChange) -> None:
        changed, removed = self.difference(change)
        if any("\n" in path for path in removed):
            raise UsageError(f"{self.folder}: a file name has a line break: {removed!r}; rename it")
        is_full = not change.base or len(changed) > MANY_PATHS
        if is_full:
            _add(tar, "source.full", "", 0o640)
        _add(tar, "source.removed", "" if is_full else "".join(f"{path}\n" for path in removed), 0o640)
        _add(tar, "source.tree", change.tree + "\n", 0o640)
        if changed or is_full:
            self._add_archive(tar, change.tree, () if is_full else changed)

    def _add_archive(self, tar: tarfile.TarFile, tree: str, paths: Sequence[str]) -> None:
        with self._archive(tree, paths) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                member.name = f"source/{member.name}"
                tar.addfile(member, content)

    def _archive(self, tree: str, paths: Sequence[str]) -> IO[bytes]:
        top = (
            self.folder / self._git(git.way_up()).strip()
        )  # archive reads a tree's paths as seen from the working folder
        outcome = _run(git.archive(tree, paths), top, {"GIT_LITERAL_PATHSPECS": "1"})
        if outcome.returncode:
            raise UsageError(f"{self.folder}: git archive failed: {outcome.stderr.decode(errors='replace').strip()}")
        return io.BytesIO(outcome.stdout)

    def _commit(self, ref: str) -> tuple[str, str]:
        outcome = self._run(git.commit(ref))
        if outcome.returncode == 0:
            commit_id, _, subject = outcome.stdout.decode(errors="replace").partition("\n")
            return commit_id, subject.strip()
        if self._run(git.prefix()).returncode:
            raise UsageError(
                f"{self.folder}: not in a git checkout; releases are made from what git tracks: git init, "
                "git add, git commit"
            )
        if ref == "HEAD":
            raise UsageError(f"{self.folder}: nothing was committed yet; git add and git commit what is to be deployed")
        raise UsageError(f"{ref}: no release and no git ref of that name; inv releases and git log list what there is")

    def _tree(self, commit_id: str, folder: str) -> str:
        outcome = self._run(git.tree(commit_id, folder))
        if outcome.returncode:
            raise UsageError(f"{self.folder}: git has no such folder at {commit_id[:7]}; commit it first")
        return outcome.stdout.decode().strip()

    def _working_tree(self, commit_id: str, folder: str) -> str:
        with tempfile.TemporaryDirectory() as temporary:
            index = {"GIT_INDEX_FILE": str(Path(temporary) / "index")}
            for words in (git.read_tree(commit_id), git.add_all()):
                self._git(words, index)
            return self._git(git.write_tree(folder), index).strip()

    def _git(self, words: Command, variables: Mapping[str, str] | None = None) -> str:
        outcome = self._run(words, variables)
        if outcome.returncode:
            raise UsageError(
                f"{self.folder}: {' '.join(words[:2])} failed: {outcome.stderr.decode(errors='replace').strip()}"
            )
        return outcome.stdout.decode(errors="surrogateescape")

    def _run(self, words: Command, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
        return _run(words, self.folder, variables)


def _run(words: Command, folder: Path, variables: Mapping[str, str] | None) -> subprocess.CompletedProcess[bytes]:
    settings = ("env", *(f"{name}={value}" for name, value in variables.items())) if variables else ()
    try:
        return subprocess.run(
            (*settings, *words), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder; set app/source in env/") from error
        raise UsageError("git: not installed; releases are made from what git tracks") from error


def _add(tar: tarfile.TarFile, path: str, text: str, mode: int) -> None:
    content = text.encode()
    member = tarfile.TarInfo(path)
    member.size, member.mode = len(content), mode
    tar.addfile(member, io.BytesIO(content))


def chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """The stream in pieces, closed at the end."""
    with stream:
        while piece := stream.read(CHUNK):
            yield piece
