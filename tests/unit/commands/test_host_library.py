"""The functions of the library, run by a real shell on a folder of this machine. What needs Docker is in tests/hosts."""

from __future__ import annotations

import fcntl
import io
import json
import os
import subprocess
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from autogrowth_ops.commands import host as words
from autogrowth_ops.commands.frames import FrameReader, sections
from autogrowth_ops.commands.shell import LOCKED, script
from autogrowth_ops.model.observation import Lock
from autogrowth_ops.model.plan import Command
from autogrowth_ops.model.release import parse_release
from tests.fakes import make_release

RELEASE = make_release()
LOCK = Lock("kim", "laptop", 4711, "2026-11-23T11:00:00Z", "deploy")
Found = dict[str, tuple[int, str]]
Run = Callable[..., Found]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "srv" / "shop"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def run(base: Path) -> Run:
    def run(*calls: Command, stdin: bytes = b"") -> Found:
        variables = {
            "BASE": str(base),
            "PROJECT": "shop",
            "MARK": "@x",
            "LOCK": "ours",
            "RELEASE": RELEASE.id,
            "BY": '"kim"',
        }
        text = script(calls, variables)
        outcome = subprocess.run(["sh", "-c", text], input=stdin, capture_output=True, check=False, timeout=60)
        reader = FrameReader("@x")
        [reader.feed(line) for line in outcome.stdout.decode().splitlines()]
        return sections(reader.blocks())

    return run


def tar(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def step(name: str, *call: str) -> Command:
    return words.in_step(name, call)


def receive(run: Run, files: dict[str, str]) -> Found:
    return run(step("receive", "receive"), stdin=tar(files))


def texts(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def entries(base: Path) -> Sequence[dict[str, object]]:
    return [json.loads(line) for line in (base / "audit.jsonl").read_text().splitlines()]


def test_a_failing_step_ends_the_script(run: Run):
    assert run(step("a", "false"), step("b", "true")) == {"a": (1, "")}


def test_a_failing_step_of_an_undo_stops_nothing(run: Run):
    found = run(words.in_undo("a", ("false",)), words.in_undo("b", ("true",)))
    assert [code for code, _ in found.values()] == [1, 0]


def test_a_failing_section_stops_nothing(run: Run):
    found = run(words.in_section("a", ("false",)), words.in_section("b", ("echo", "seen")))
    assert found == {"a": (1, ""), "b": (0, "seen")}


def test_a_section_does_not_eat_standard_input(run: Run):
    found = run(words.in_section("a", ("cat",)), words.reading("b", ("cat",)), stdin=b"password\n")
    assert found == {"a": (0, ""), "b": (0, "password")}


def test_every_step_is_audited_at_its_begin_and_its_end(run: Run, base: Path):
    run(step("a", "true"), step("b", "sh", "-c", "exit 3"))
    assert [(entry["step"], entry["outcome"]) for entry in entries(base)] == [
        ("a", "started"),
        ("a", "done"),
        ("b", "started"),
        ("b", "failed:3"),
    ]


def test_the_audit_says_who_and_for_which_release(run: Run, base: Path):
    run(step("a", "true"))
    assert {(entry["by"], entry["release"]) for entry in entries(base)} == {("kim", RELEASE.id)}


def test_the_lock_is_taken_with_its_owner(run: Run):
    found = run(words.in_step("lock", words.take_lock(LOCK)), words.in_section("lock.read", ("show_lock",)))
    assert words.parse_lock(found["lock.read"][1]) == LOCK


def test_a_taken_lock_is_refused_and_names_its_holder(run: Run):
    run(words.in_step("lock", words.take_lock(LOCK)))
    code, text = run(words.in_step("lock", words.take_lock(Lock("lee"))))["lock"]
    assert (code, words.parse_lock(text)) == (LOCKED, LOCK)


def test_a_lock_without_owner_is_still_a_lock(run: Run, base: Path):
    (base / "lock").mkdir()
    found = run(words.in_section("read", ("show_lock",)), words.in_step("lock", words.take_lock(LOCK)))
    assert (found["read"][1], found["lock"][0]) == ("{}", LOCKED)


def test_a_lock_that_was_given_back_can_be_taken(run: Run):
    take = words.in_step("lock", words.take_lock(LOCK))
    found = run(take, step("unlock", "release_lock"), take)
    assert [code for code, _ in found.values()] == [0, 0]


def test_a_new_release_and_all_of_its_source_are_received(run: Run, base: Path):
    files = {"release/compose.yml": "c", "source.full": "", "source.removed": "", "source.tree": "t1\n"}
    receive(run, {**files, "source/한글 name.py": "x", "source/src/a.py": "y"})
    assert texts(base / "source") == {"한글 name.py": "x", "src/a.py": "y"}
    assert (base / "releases" / RELEASE.id / "compose.yml").read_text() == "c"


def test_a_difference_changes_and_removes_files_and_empty_folders(run: Run, base: Path):
    first = {"source.full": "", "source.removed": "", "source.tree": "t1\n"}
    receive(run, {**first, "source/a/old.py": "x", "source/b.py": "y", "source/c.py": "z"})
    receive(run, {"source.removed": "a/old.py\n", "source.tree": "t2\n", "source/b.py": "new", "source/a b.py": "n"})
    assert texts(base / "source") == {"b.py": "new", "c.py": "z", "a b.py": "n"}
    assert (base / "source.tree").read_text() == "t2\n"
    assert not (base / "source" / "a").exists()


def test_a_file_may_take_the_place_of_a_folder(run: Run, base: Path):
    first = {"source.full": "", "source.removed": "", "source.tree": "t1\n"}
    receive(run, {**first, "source/a/old.py": "x"})
    receive(run, {"source.removed": "a/old.py\n", "source.tree": "t2\n", "source/a": "file"})
    assert texts(base / "source") == {"a": "file"}


def test_a_copy_that_was_cut_off_is_never_taken_for_a_whole_one(run: Run, base: Path):
    receive(run, {"source.full": "", "source.removed": "", "source.tree": "t1\n", "source/a.py": "x"})
    (base / "source" / "b.py").mkdir()
    found = receive(run, {"source.removed": "b.py\n", "source.tree": "t2\n"})
    assert found["receive"][0] != 0
    assert not (base / "source.tree").exists()


SEEN = """#!/bin/sh
case $0 in
*/mv) eval "from=\\${$(($# - 1))} to=\\$$#"; find "$from" -type f -printf 'renamed %p\\n' >>"$LOG"; into=${to%/*} ;;
*) for path; do case $path in /*) echo "synced $path" ;; *) echo "synced $PWD/${path#./}" ;; esac; done >>"$LOG" ;;
esac
PATH=${PATH#*:} "${0##*/}" "$@" || exit
[ -z "${into:-}" ] || echo "into $into" >>"$LOG"
"""


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What was renamed (each file of a folder), into which folder, and what was written to the disk, in that order."""
    for name in ("sync", "mv"):
        program = tmp_path / "seen" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(SEEN)
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'seen'}:{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    return lambda: (tmp_path / "log").read_text().splitlines()


@pytest.mark.parametrize("source_is", ["whole", "a difference"])
def test_nothing_gets_its_name_before_it_is_on_the_disk(
    run: Run, base: Path, disk: Callable[[], list[str]], source_is: str
):
    source = {"source.removed": "", "source.tree": "t1\n", "source/src/a b.py": "x"}
    if source_is == "whole":
        source["source.full"] = ""
    receive(run, {"release/compose.yml": "c", "release/app.env": "A=1", "stack/compose.yml": "s", **source})
    (base / "stack" / "proxy").mkdir(parents=True)
    run(
        step("switch", "switch", RELEASE.id, "8000"),
        step("current", "point_current", RELEASE.id),
        words.in_step("record", words.record(RELEASE)),
    )
    seen = disk()
    renamed = [(number, line.split(" ", 1)[1]) for number, line in enumerate(seen) if line.startswith("renamed ")]
    assert {Path(path).name for _, path in renamed} >= {"compose.yml", "release.new", "port.new", "release.json.new"}
    assert [path for number, path in renamed if f"synced {path}" not in seen[:number]] == []
    into = [(number, line.split(" ", 1)[1]) for number, line in enumerate(seen) if line.startswith("into ")]
    assert [folder for number, folder in into if f"synced {folder}" not in seen[number:]] == []
    of_source = f"synced {base}/source" + ("" if source_is == "whole" else "/src/a b.py")
    marker = next(number for number, path in renamed if path.endswith("/source.tree"))
    assert of_source in seen[:marker]


def test_files_without_source_leave_the_source_alone(run: Run, base: Path):
    receive(run, {"source.full": "", "source.removed": "", "source.tree": "t1\n", "source/a.py": "x"})
    receive(run, {"stack/compose.yml": "s"})
    assert texts(base / "source") == {"a.py": "x"}
    assert texts(base / "stack.next") == {"compose.yml": "s"}


def test_received_files_keep_their_modes(run: Run, base: Path):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("release/app.env")
        member.mode = 0o600
        archive.addfile(member)
    run(step("receive", "receive"), stdin=packed.getvalue())
    assert (base / "releases" / RELEASE.id / "app.env").stat().st_mode & 0o777 == 0o600


def test_what_was_received_can_be_dropped(run: Run, base: Path):
    receive(run, {"release/compose.yml": "c", "stack/compose.yml": "s"})
    run(words.in_undo("drop", ("drop_release",)))
    assert [path.name for path in base.iterdir() if path.name.startswith("stack")] == []
    assert list((base / "releases").iterdir()) == []


def test_received_passwords_wait_for_their_step_and_go_with_the_release(run: Run, base: Path):
    receive(run, {"release/compose.yml": "c", "passwords/redis": "#hash\n"})
    assert texts(base / "passwords.next") == {"redis": "#hash\n"}
    run(words.in_undo("drop", ("drop_release",)))
    assert not (base / "passwords.next").exists()


def test_passwords_alone_leave_the_release_as_it_is(run: Run, base: Path):
    receive(run, {"release/compose.yml": "c"})
    receive(run, {"passwords/redis": "#hash\n"})
    assert (base / "releases" / RELEASE.id / "compose.yml").read_text() == "c"


def test_variables_with_passwords_are_taken_from_another_release(run: Run, base: Path):
    files = {
        "r1": 'A="1"\nDATABASE_URL="old"\nTOKEN="of r1"\nDATABASE_URL_2="2"\n',
        "r2": 'DATABASE_URL="n\\\\e\\$w & \\"x\\""\nTOKEN="of r2"\n',
    }
    for name, text in files.items():
        (base / "releases" / name).mkdir(parents=True)
        (base / "releases" / name / "app.env").write_text(text)
    found = run(step("renew", "renew_variables", "r1", "r2", "DATABASE_URL"))
    assert found["renew"] == (0, "")
    renewed = base / "releases" / "r1" / "app.env"
    wanted = 'A="1"\nDATABASE_URL="n\\\\e\\$w & \\"x\\""\nTOKEN="of r1"\nDATABASE_URL_2="2"\n'
    assert (renewed.read_text(), renewed.stat().st_mode & 0o777) == (wanted, 0o600)


def test_where_no_passwords_were_changed_there_is_nothing_to_take_back_or_end(run: Run):
    calls = ("restore_passwords",), ("settle_passwords",), ("resume_passwords", "p")
    found = run(*(words.in_undo(call[0], call) for call in calls))
    assert [code for code, _ in found.values()] == [0, 0, 0]


def test_what_migrations_printed_outlives_a_failed_release(run: Run, base: Path):
    receive(run, {"release/compose.yml": "c", "release/app.env": "A=1"})
    (base / "releases" / RELEASE.id / "migrations.log").write_text("it's 한글\n")
    assert run(words.in_undo("drop", ("drop_release",)))["drop"][0] == 0
    found = run(words.in_section("kept", words.migrations_of(RELEASE.id)))
    assert found["kept"] == (0, "it's 한글")
    assert [path.name for path in (base / "releases" / RELEASE.id).iterdir()] == ["migrations.log"]


def test_a_release_without_migrations_has_printed_nothing(run: Run):
    assert run(words.in_section("kept", words.migrations_of(RELEASE.id)))["kept"] == (0, "")


def test_current_moves_from_one_release_to_another(run: Run):
    for_old, for_new = step("one", "point_current", "r1"), step("two", "point_current", "r2")
    found = run(for_old, for_new, words.in_section("current", ("current_release",)))
    assert found["current"] == (0, "r2")


def test_current_may_name_nothing(run: Run):
    found = run(step("one", "point_current", "r1"), step("two", "unpoint_current"), ("section", "c", "current_release"))
    assert found["c"] == (0, "")


def test_the_record_gets_the_timings_of_the_steps(run: Run, base: Path):
    receive(run, {"release/compose.yml": "c"})
    pending = make_release(image_id=words.IMAGE_ID, timings={words.TIMINGS: 0}, reason="a/b & c")
    run(words.in_step("record", words.record(pending)))
    recorded = parse_release((base / "releases" / RELEASE.id / "release.json").read_text())
    assert (list(recorded.timings), recorded.image_id, recorded.state) == (["receive"], "", "good")


def test_a_failed_release_leaves_its_record_only(run: Run):
    bad = make_release(state="bad", reason='it\'s "not" healthy\\')
    found = run(
        words.in_undo("drop", ("drop_release",)),
        words.in_undo("record", ("record_bad", bad.id, bad.to_json())),
        words.in_section("releases", ("each_release",)),
    )
    assert found["releases"][1].strip() == bad.to_json()


@pytest.mark.parametrize(("is_held", "is_due"), [(True, False), (False, True)])
def test_a_release_that_nobody_waits_for_any_more_is_due(run: Run, base: Path, is_held: bool, is_due: bool):
    folder = base / "releases" / "r1"
    folder.mkdir(parents=True)
    (folder / "retires").write_text(f"{int(time.time()) + 600}\n")
    with (folder / "retiring").open("w") as waiting:
        if is_held:
            fcntl.flock(waiting, fcntl.LOCK_EX)
        name, seconds = run(words.in_section("retiring", ("retiring",)))["retiring"][1].split()
    assert (name, int(seconds) < 0) == ("r1", is_due)


def test_who_orders_the_end_of_a_release_waits_for_nobody_who_did_before(run: Run, base: Path):
    folder = base / "releases" / "r1"
    folder.mkdir(parents=True)
    with (folder / "retiring").open("w") as before:
        fcntl.flock(before, fcntl.LOCK_SH)
        found = run(step("retire", "retire", "r1", "0"))
    assert found["retire"][0] == 0


def test_files_that_are_not_there_show_nothing(run: Run, base: Path):
    (base / "a").write_text("seen\n")
    found = run(words.in_section("show", words.show(str(base / "none"), str(base / "a"))))
    assert found["show"] == (0, "seen")


def test_facts_are_read_from_a_folder_that_is_not_there_yet(run: Run, base: Path):
    base.rmdir()
    found = run(words.in_section("facts", ("facts",)))
    assert found["facts"][0] == 0
    assert "is_folder_writable=1" in found["facts"][1].splitlines()


def test_backups_are_listed_oldest_first_without_unfinished_ones(run: Run, base: Path):
    (base / "backups").mkdir()
    for name in ("b.dump", "a.dump", "c.partial"):
        (base / "backups" / name).write_text(name)
    found = run(words.in_section("backups", ("backup_state",)))
    assert [line.rsplit("/", 1)[-1] for line in found["backups"][1].splitlines()] == ["b.dump", "a.dump"]


def test_the_audit_is_read_from_its_end(run: Run):
    run(step("a", "true"), step("b", "true"))
    found = run(words.in_section("audit", ("tail_audit", "1")))
    assert json.loads(found["audit"][1])["step"] == "b"


@pytest.mark.parametrize(("restarts", "said"), [("0", "000 "), ("3", "3 restarts;")])
def test_a_replica_says_how_often_it_was_restarted(run: Run, restarts: str, said: str):
    asked = ("ask_replica", "running", restarts, "0", "false", "127.0.0.1", "1:/health")
    code, text = run(words.in_section("replica:web-1", asked))["replica:web-1"]
    milliseconds, first = text.splitlines()[:2]
    assert (code, milliseconds.isdigit(), first[: len(said)]) == (1, True, said)
