from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autogrowth_ops import source as module
from autogrowth_ops.errors import UsageError
from autogrowth_ops.model.plan import Payload, RenderedFile, SourceChange
from autogrowth_ops.source import Source, chunks
from tests.conftest import commit


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A checkout with the application in a folder of its own beside other things."""
    folder = tmp_path / "checkout"
    write(folder, {"README.md": "read", "app/main.py": "one", "app/한글 이름.txt": "이름", "app/src/deep.py": "deep"})
    commit(folder, "first: 시작")
    return folder


@pytest.fixture
def source(top: Path) -> Source:
    return Source(top / "app")


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def head(source: Source, *, allow_dirty: bool = False):
    return source.version("HEAD", allow_dirty=allow_dirty)


@contextmanager
def opened(source: Source, payload: Payload) -> Iterator[tarfile.TarFile]:
    with source.pack(payload) as stream, tarfile.open(fileobj=stream) as tar:
        yield tar


def packed(source: Source, base: str = "", *files: RenderedFile) -> dict[str, str]:
    tree = head(source, allow_dirty=True).tree
    with opened(source, Payload(files, SourceChange(tree, base))) as tar:
        return {one.name: tar.extractfile(one).read().decode() for one in tar.getmembers() if one.isreg()}


def test_a_version_is_commit_tree_and_subject(source: Source):
    version = head(source)
    assert (version.subject, version.ref, version.is_dirty) == ("first: 시작", "HEAD", False)
    assert (len(version.commit), len(version.tree)) == (40, 40)


def test_the_tree_is_of_the_folder_and_not_of_what_is_beside_it(source: Source, top: Path):
    before = head(source)
    write(top, {"README.md": "changed"})
    commit(top, "second")
    assert head(source).tree == before.tree
    assert head(source).commit != before.commit


def test_changes_beside_the_folder_are_no_changes(source: Source, top: Path):
    write(top, {"README.md": "changed"})
    assert not head(source).is_dirty


def test_many_uncommitted_files_are_counted(source: Source, top: Path):
    write(top, {f"app/new{number}": "x" for number in range(5)})
    with pytest.raises(
        UsageError, match=r"5 files not committed \(app/new0, app/new1, app/new2, ...\); commit them, or .* --allow"
    ):
        head(source)


def test_the_working_folder_has_a_tree_without_a_commit(source: Source, top: Path):
    clean = head(source)
    write(top, {"app/main.py": "two", "app/new.py": "new"})
    dirty = head(source, allow_dirty=True)
    assert (dirty.is_dirty, dirty.commit) == (True, clean.commit)
    assert dirty.tree != clean.tree
    assert packed(source)["source/new.py"] == "new"


def test_taking_the_tree_of_a_working_folder_leaves_the_index_alone(source: Source, top: Path):
    write(top, {"app/new.py": "new"})
    head(source, allow_dirty=True)
    words = ["git", "diff", "--cached", "--name-only"]
    assert subprocess.run(words, cwd=top, capture_output=True, check=True).stdout == b""


def test_ignored_files_are_never_sent(source: Source, top: Path):
    write(top, {"app/.gitignore": "*.secret\n", "app/my.secret": "hunter2"})
    assert "source/my.secret" not in packed(source)


def test_another_ref_is_taken_without_the_working_folder(source: Source, top: Path):
    first = head(source)
    write(top, {"app/main.py": "two"})
    assert source.version("HEAD~0", allow_dirty=False).tree == first.tree


def test_an_unknown_ref_is_refused(source: Source):
    with pytest.raises(UsageError, match="v9: no release and no git ref of that name"):
        source.version("v9", allow_dirty=False)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="not in a git checkout; releases are made from what git tracks"):
        head(Source(tmp_path))


def test_a_checkout_without_commit_is_refused(tmp_path: Path):
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    with pytest.raises(UsageError, match="nothing was committed yet"):
        head(Source(tmp_path))


def test_a_folder_that_git_does_not_know_is_refused(top: Path):
    (top / "empty").mkdir()
    with pytest.raises(UsageError, match="git has no such folder at"):
        head(Source(top / "empty"))


def test_a_folder_that_is_not_there_is_refused(top: Path):
    with pytest.raises(UsageError, match="none: no such folder; set app/source in env/"):
        head(Source(top / "none"))


def test_a_missing_git_is_told(source: Source, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(UsageError, match="git: not installed"):
        head(source)


def test_all_of_the_source_is_packed_without_a_base(source: Source):
    assert packed(source) == {
        "source.full": "",
        "source.removed": "",
        "source.tree": f"{head(source).tree}\n",
        "source/main.py": "one",
        "source/한글 이름.txt": "이름",
        "source/src/deep.py": "deep",
    }


def test_the_difference_to_a_base_is_packed(source: Source, top: Path):
    base = head(source).tree
    write(top, {"app/src/deep.py": "deeper", "app/a*b.txt": "star", "app/-x": "dash"})
    (top / "app" / "main.py").unlink()
    commit(top, "second")
    found = packed(source, base)
    assert found.pop("source.tree") == f"{head(source).tree}\n"
    assert found == {
        "source.removed": "main.py\n",
        "source/src/deep.py": "deeper",
        "source/a*b.txt": "star",
        "source/-x": "dash",
    }


def test_nothing_of_the_source_is_packed_where_only_files_went(source: Source, top: Path):
    base = head(source).tree
    (top / "app" / "main.py").unlink()
    commit(top, "second")
    assert [path for path in packed(source, base) if path.startswith("source/")] == []


def test_very_many_changes_are_sent_as_a_whole(source: Source, top: Path, monkeypatch: pytest.MonkeyPatch):
    base = head(source).tree
    monkeypatch.setattr(module, "MANY_PATHS", 1)
    write(top, {"app/main.py": "two", "app/src/deep.py": "deeper"})
    commit(top, "second")
    assert {"source.full", "source/한글 이름.txt"} <= set(packed(source, base))


def test_a_removed_file_whose_name_breaks_lines_is_refused(source: Source, top: Path):
    write(top, {"app/a\nb": "x"})
    commit(top, "second")
    base = head(source).tree
    (top / "app" / "a\nb").unlink()
    commit(top, "third")
    with pytest.raises(UsageError, match="a file name has a line break"):
        packed(source, base)


def test_modes_and_links_are_kept(source: Source, top: Path):
    (top / "app" / "main.py").chmod(0o755)
    (top / "app" / "link").symlink_to("main.py")
    commit(top, "second")
    change = SourceChange(head(source).tree)
    with opened(source, Payload(source=change)) as tar:
        assert tar.getmember("source/main.py").mode & 0o111
        assert tar.getmember("source/link").linkname == "main.py"


def test_rendered_files_are_packed_with_their_modes(source: Source):
    with opened(source, Payload((RenderedFile("release/app.env", "A=한", 0o600),))) as tar:
        (member,) = tar.getmembers()
        assert (member.name, member.mode, tar.extractfile(member).read().decode()) == ("release/app.env", 0o600, "A=한")


def test_a_tree_that_git_does_not_have_cannot_be_packed(source: Source):
    with pytest.raises(UsageError, match="git archive failed"):
        source.pack(Payload(source=SourceChange("0" * 40)))


def test_a_base_that_git_does_not_have_is_told(source: Source):
    with pytest.raises(UsageError, match="git diff-tree failed"):
        source.difference(SourceChange(head(source).tree, "0" * 40))


def test_without_a_base_there_is_no_difference(source: Source):
    assert source.difference(SourceChange(head(source).tree)) == ((), ())


def test_known_trees_are_known(source: Source):
    assert source.has(head(source).tree)


@pytest.mark.parametrize("tree", ["", "0" * 40])
def test_unknown_trees_are_not_known(source: Source, tree: str):
    assert not source.has(tree)


def test_folders_have_a_hash_that_follows_their_content(source: Source, top: Path):
    before = source.hash_of(head(source).tree, ["src/"])
    write(top, {"app/main.py": "two"})
    commit(top, "second")
    same = source.hash_of(head(source).tree, ["src"])
    write(top, {"app/src/deep.py": "deeper"})
    commit(top, "third")
    assert before == same != source.hash_of(head(source).tree, ["src"])


def test_no_folder_has_no_hash(source: Source):
    assert source.hash_of(head(source).tree, []) == ""


def test_commits_between_are_those_of_the_folder(source: Source, top: Path):
    base = head(source).commit
    for path in ("README.md", "app/main.py"):
        write(top, {path: "two"})
        commit(top, f"change {path}")
    subjects = [line.split(" ", 1)[1] for line in source.commits_between(base, "HEAD")]
    assert subjects == ["change app/main.py"]


def test_commits_since_an_unknown_one_cannot_be_told(source: Source):
    assert source.commits_between("0" * 40, "HEAD") == ()


def test_a_tree_is_exported(source: Source, tmp_path: Path):
    source.export(head(source).tree, tmp_path / "copy")
    assert (tmp_path / "copy" / "src" / "deep.py").read_text() == "deep"


def test_a_stream_comes_in_pieces_and_is_closed():
    stream = io.BytesIO(b"x" * (module.CHUNK + 1))
    assert [len(piece) for piece in chunks(stream)] == [module.CHUNK, 1]
    assert stream.closed


@pytest.mark.parametrize("is_committed", [True, False])
def test_a_file_of_secrets_is_never_sent(top: Path, is_committed: bool):
    write(top, {"app/env/production.secrets": "TOKEN=hunter2\n"})
    if is_committed:
        commit(top, "by mistake")
    with pytest.raises(UsageError, match=r"^env/production.secrets: would be sent .* /env/\*.secrets to .gitignore"):
        head(Source(top / "app"), allow_dirty=True)


def test_a_file_of_secrets_that_git_ignores_is_nobodys_concern(top: Path):
    write(top, {"app/env/production.secrets": "TOKEN=hunter2\n", "app/.gitignore": "/env/*.secrets\n"})
    commit(top, "ignored")
    assert head(Source(top / "app")).tree


def test_a_submodule_is_refused(top: Path):
    words = ["git", "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},app/lib"]
    subprocess.run(words, cwd=top, check=True)
    subprocess.run(["git", "commit", "--quiet", "--message", "with a submodule"], cwd=top, check=True)
    with pytest.raises(UsageError, match="^lib: a git submodule, whose files would not be sent"):
        Source(top / "app").version("master", allow_dirty=False)
