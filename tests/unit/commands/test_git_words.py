from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from autogrowth_ops.commands import git
from autogrowth_ops.model.plan import Command


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in ("old name.txt", "같은.txt", "gone.txt", "-dash.txt"):
        (folder / name).write_text(name * 20)
    run(folder, "git", "init", "--quiet")
    save(folder)
    return folder


def run(folder: Path, *words: str) -> str:
    return subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True).stdout


def ask(folder: Path, words: Command) -> str:
    return run(folder, *words)


def save(folder: Path) -> str:
    run(folder, "git", "add", "--all")
    run(folder, "git", "commit", "--quiet", "--message", "subject: 변경")
    return run(folder, "git", "rev-parse", "HEAD:").strip()


def test_a_commit_has_its_id_and_subject(repository: Path):
    commit_id, subject = ask(repository, git.commit("HEAD")).splitlines()
    assert (len(commit_id), subject) == (40, "subject: 변경")


def test_a_ref_that_looks_like_an_option_is_no_option(repository: Path):
    with pytest.raises(subprocess.CalledProcessError):
        ask(repository, git.commit("--output=stolen"))
    assert not (repository / "stolen").exists()


def test_a_clean_folder_has_nothing_uncommitted(repository: Path):
    assert git.parse_uncommitted(ask(repository, git.uncommitted())) == ()


def test_changed_new_and_removed_files_are_uncommitted(repository: Path):
    (repository / "같은.txt").write_text("x")
    (repository / "new file.txt").write_text("x")
    (repository / "gone.txt").unlink()
    found = git.parse_uncommitted(ask(repository, git.uncommitted()))
    assert sorted(found) == ["gone.txt", "new file.txt", "같은.txt"]


def test_a_renamed_file_is_named_whole(repository: Path):
    run(repository, "git", "mv", "old name.txt", "new name.txt")
    found = git.parse_uncommitted(ask(repository, git.uncommitted()))
    assert sorted(found) == ["new name.txt", "old name.txt"]


def test_a_difference_has_changed_and_removed_paths(repository: Path):
    base = run(repository, "git", "rev-parse", "HEAD:").strip()
    (repository / "같은.txt").write_text("x")
    (repository / "new\nline").write_text("x")
    (repository / "gone.txt").rename(repository / "moved.txt")
    changed, removed = git.parse_difference(ask(repository, git.difference(base, save(repository))))
    assert (sorted(changed), removed) == (["moved.txt", "new\nline", "같은.txt"], ("gone.txt",))


def test_equal_trees_do_not_differ():
    assert git.parse_difference("") == ((), ())


def test_half_a_difference_is_refused():
    with pytest.raises(ValueError, match="zip"):
        git.parse_difference("M\0a\0M\0")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (git.tree("c0ffee", "app/src"), ("git", "rev-parse", "--verify", "--quiet", "c0ffee:app/src")),
        (git.prefix(), ("git", "rev-parse", "--show-prefix")),
        (git.way_up(), ("git", "rev-parse", "--show-cdup")),
        (git.has_object("c0ffee"), ("git", "cat-file", "-e", "c0ffee")),
        (git.archive("c0ffee", []), ("git", "archive", "--format=tar", "c0ffee")),
        (git.archive("c0ffee", ["-a", "b c"]), ("git", "archive", "--format=tar", "c0ffee", "--", "-a", "b c")),
        (git.log_between("a", "b"), ("git", "log", "--format=%h %s", "--max-count=50", "a..b", "--", ".")),
        (git.add_all(), ("git", "add", "--all", "--", ".")),
        (git.read_tree("c0ffee"), ("git", "read-tree", "c0ffee")),
        (git.write_tree(""), ("git", "write-tree")),
        (git.write_tree("app/"), ("git", "write-tree", "--prefix=app/")),
    ],
)
def test_words_stay_unquoted(words: Command, expected: Command):
    assert words == expected
