"""Words for git, and the parsers of what it prints."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.plan import Command

SUBMODULE = "160000"


def commit(ref: str) -> Command:
    """Full commit id and subject of a ref."""
    return ("git", "log", "-1", "--format=%H%n%s", "--end-of-options", f"{ref}^{{commit}}", "--")


def tree(commit_id: str, folder: str) -> Command:
    """Id of the folder's content at a commit; `folder` relative to the top of the checkout, empty for all of it."""
    return ("git", "rev-parse", "--verify", "--quiet", f"{commit_id}:{folder}")


def prefix() -> Command:
    """The working folder relative to the top of the checkout, with a slash behind; empty at the top."""
    return ("git", "rev-parse", "--show-prefix")


def way_up() -> Command:
    """The top of the checkout relative to the working folder; empty at the top."""
    return ("git", "rev-parse", "--show-cdup")


def uncommitted() -> Command:
    """Files of the working folder that differ from the last commit, ended by NUL."""
    return ("git", "status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal", "--", ".")


def parse_uncommitted(stdout: str) -> tuple[str, ...]:
    """Paths as git names them."""
    return tuple(entry[3:] for entry in stdout.split("\0") if len(entry) > 3)


def files(tree_id: str) -> Command:
    """Every file of a tree with its mode, ended by NUL."""
    return ("git", "ls-tree", "-r", "-z", "--full-tree", tree_id)


def parse_files(stdout: str) -> tuple[tuple[str, str], ...]:
    """(mode, path) of each; the mode of a submodule is SUBMODULE."""
    entries = (entry.partition("\t") for entry in stdout.split("\0") if entry)
    return tuple((head.split(" ", 1)[0], path) for head, _, path in entries)


def difference(base: str, target: str) -> Command:
    """How two trees differ, ended by NUL."""
    return ("git", "diff-tree", "-r", "-z", "--no-renames", "--name-status", base, target)


def parse_difference(stdout: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(changed or new paths, removed paths)."""
    fields = stdout.split("\0")[:-1]
    pairs = list(zip(fields[::2], fields[1::2], strict=True))
    return tuple(path for status, path in pairs if status != "D"), tuple(
        path for status, path in pairs if status == "D"
    )


def has_object(name: str) -> Command:
    """Succeeds if the repository has this object."""
    return ("git", "cat-file", "-e", name)


def archive(tree_id: str, paths: Sequence[str]) -> Command:
    """A tar of a tree, or of some of its paths, on standard output."""
    return ("git", "archive", "--format=tar", tree_id, *(("--", *paths) if paths else ()))


def log_between(base: str, target: str) -> Command:
    """Subjects of the commits that came with `target` since `base`, newest first."""
    return ("git", "log", "--format=%h %s", "--max-count=50", f"{base}..{target}", "--", ".")


def add_all() -> Command:
    """Record the working folder, untracked files included, in the index of GIT_INDEX_FILE."""
    return ("git", "add", "--all", "--", ".")


def read_tree(commit_id: str) -> Command:
    """Fill the index of GIT_INDEX_FILE from a commit."""
    return ("git", "read-tree", commit_id)


def write_tree(folder: str) -> Command:
    """Id of the folder's content in the index of GIT_INDEX_FILE."""
    return ("git", "write-tree", *((f"--prefix={folder}",) if folder else ()))
