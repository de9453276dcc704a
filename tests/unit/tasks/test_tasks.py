"""Tasks as they are called: names, options, exit codes, one JSON document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from invoke import Collection
from invoke.tasks import Task

from autogrowth_ops.tasks import collection
from tests.conftest import TESTS, commit
from tests.fakes import make_release
from tests.plans import LOCK

Inv = Callable[..., int]
EXPECTED = {
    *("deploy", "rollback", "releases", "health", "status", "logs", "checklist", "audit", "exec", "shell", "render"),
    *("setup", "hosts.trust", "lock.status", "lock.release", "sandbox.up", "sandbox.down", "sandbox.status"),
}
RELEASE = make_release()


def every_task(top: Collection, prefix: str = "") -> dict[str, Task]:
    found = {f"{prefix}{name}": task for name, task in top.tasks.items()}
    for name, group in top.collections.items():
        found |= every_task(group, f"{name}.")
    return found


TASKS = every_task(collection(Path("/nonexistent")))


def run(project: Path, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parent), "PYTHONUNBUFFERED": ""}
    words = (sys.executable, "-m", "invoke", *words)
    return subprocess.run(words, cwd=project, env=environment, capture_output=True, text=True, check=False, **options)


def recorded(base: Path) -> None:
    (base / "releases" / RELEASE.id).mkdir(parents=True)
    (base / "releases" / RELEASE.id / "release.json").write_text(RELEASE.to_json())
    (base / "current").symlink_to(f"releases/{RELEASE.id}")


def locked(base: Path) -> None:
    (base / "lock").mkdir()
    (base / "lock" / "owner.json").write_text(json.dumps(asdict(LOCK)))


def test_every_task_is_there():
    assert set(TASKS) >= EXPECTED


@pytest.mark.parametrize("name", TASKS)
def test_every_task_says_what_it_does(name: str):
    assert (TASKS[name].__doc__ or "").strip().split("\n")[0].endswith((".", ":"))


@pytest.mark.parametrize("name", TASKS)
def test_every_option_is_explained(name: str):
    arguments = TASKS[name].get_arguments()
    assert not [argument.name for argument in arguments if not argument.help]


@pytest.mark.parametrize("name", TASKS)
def test_no_option_has_a_short_flag(name: str):
    assert not [
        argument.names for argument in TASKS[name].get_arguments() if any(len(one) == 1 for one in argument.names)
    ]


def test_inv_list_shows_every_task(project: Path):
    listed = run(project, "--list")
    assert listed.returncode == 0
    assert {line.split()[0] for line in listed.stdout.splitlines() if line.strip()} >= EXPECTED


@pytest.mark.parametrize("words", [["render", "--json"], ["lock.status", "--json"], ["health"]])
def test_a_reader_that_goes_away_is_no_error(project: Path, words: list[str]):
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parent), "PYTHONUNBUFFERED": ""}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": project, "env": environment}
    with subprocess.Popen([sys.executable, "-m", "invoke", *words], **pipes) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


@pytest.mark.usefixtures("idle_docker")
@pytest.mark.parametrize("task", ["status", "releases", "lock.status", "audit", "health", "checklist"])
def test_json_is_one_document_on_stdout(inv: Inv, base: Path, capsys: pytest.CaptureFixture[str], task: str):
    inv(task, "--json")
    said = capsys.readouterr()
    assert (json.loads(said.out) is not None, said.err) == (True, "")


def test_an_unknown_environment_is_exit_code_2(inv: Inv, capsys: pytest.CaptureFixture[str]):
    assert inv("status", "--env=produktion") == 2
    assert "error: env/produktion.yml: no such environment; there are: production" in capsys.readouterr().err


def test_an_unknown_host_is_exit_code_2(inv: Inv):
    assert inv("status", "--env=production", "--host=app9") == 2


def test_a_host_that_is_not_fit_is_exit_code_3(inv: Inv, project: Path, capsys: pytest.CaptureFixture[str]):
    commit(project, "first")
    assert inv("deploy") == 3
    assert "error: local: " in capsys.readouterr().err


NEEDS_DOCKER = [["status"], ["logs"], ["logs", "--follow"], ["exec", "--", "ls"], ["shell"]]


@pytest.mark.parametrize("words", NEEDS_DOCKER)
def test_a_docker_that_does_not_answer_is_exit_code_3(
    inv: Inv, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
):
    monkeypatch.setattr("sys.argv", ["inv", *words])
    assert inv(*words) == 3
    assert capsys.readouterr().err.startswith("error: local: the Docker daemon does not answer; on the host: ")


@pytest.mark.usefixtures("idle_docker")
def test_a_failed_check_is_exit_code_7(inv: Inv, capsys: pytest.CaptureFixture[str]):
    assert inv("health") == 7
    assert "0 of 2 containers are there" in capsys.readouterr().out


def test_a_checklist_that_fails_is_exit_code_7(inv: Inv, base: Path, capsys: pytest.CaptureFixture[str]):
    assert inv("checklist") == 7
    assert "failed" in capsys.readouterr().out


def test_a_checklist_is_read_in_korean(inv: Inv, project: Path, base: Path, capsys: pytest.CaptureFixture[str]):
    with (project / "env" / "production.yml").open("a") as file:
        file.write("language: ko\n")
    inv("checklist")
    said = capsys.readouterr().out
    assert "릴리스 기록 일치" in said
    assert "읽지 못함" in said
    assert "not read" not in said


@pytest.mark.usefixtures("idle_docker")
def test_health_has_korean_headings(inv: Inv, project: Path, base: Path, capsys: pytest.CaptureFixture[str]):
    with (project / "env" / "production.yml").open("a") as file:
        file.write("language: ko\n")
    inv("health")
    said = capsys.readouterr().out
    assert said.splitlines()[0].split() == ["호스트", "점검", "ms", "내용"]
    assert "컨테이너 2개 중 0개만 있음" in said


@pytest.mark.usefixtures("idle_docker")
def test_status_without_a_release_says_so(inv: Inv, capsys: pytest.CaptureFixture[str]):
    assert inv("status") == 0
    assert capsys.readouterr().out == "local: no release serves\n"


@pytest.mark.usefixtures("idle_docker")
def test_status_names_release_and_lock(inv: Inv, base: Path, capsys: pytest.CaptureFixture[str]):
    recorded(base)
    locked(base)
    inv("status")
    said = capsys.readouterr().out
    assert f"local: {RELEASE.id} (one more change) by kim" in said
    assert f"local: locked by {LOCK}" in said


def test_releases_are_listed(inv: Inv, base: Path, capsys: pytest.CaptureFixture[str]):
    recorded(base)
    inv("releases")
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == [RELEASE.id, "good", "local"]


def test_one_release_is_shown_with_what_its_migrations_printed(
    inv: Inv, base: Path, capsys: pytest.CaptureFixture[str]
):
    recorded(base)
    (base / "releases" / RELEASE.id / "migrations.log").write_text('applied 0001\n"한글"\n')
    inv("releases", f"--release={RELEASE.id}")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"release    {RELEASE.id}"
    assert said[-3:] == ["--- what its migrations printed on local", "applied 0001", '"한글"']
    inv("releases", f"--release={RELEASE.id}", "--json")
    assert json.loads(capsys.readouterr().out)["migrations"] == {"local": 'applied 0001\n"한글"'}


def test_no_release_is_no_error(inv: Inv, capsys: pytest.CaptureFixture[str]):
    assert inv("releases") == 0
    assert capsys.readouterr().out == "no release yet; run: inv deploy --env=production\n"


def test_a_lock_is_shown_and_removed(inv: Inv, base: Path, capsys: pytest.CaptureFixture[str]):
    locked(base)
    inv("lock.status")
    assert inv("lock.release") == 0
    assert capsys.readouterr().out == f"local: {LOCK}\nlocal: removed the lock of {LOCK}\n"
    assert not (base / "lock").exists()


def test_no_lock_is_said(inv: Inv, capsys: pytest.CaptureFixture[str]):
    inv("lock.status")
    assert capsys.readouterr().out == "not locked\n"


def test_a_lock_that_is_not_there_cannot_be_removed(inv: Inv):
    assert inv("lock.release") == 2


def test_the_audit_is_a_table(inv: Inv, base: Path, capsys: pytest.CaptureFixture[str]):
    (base / "audit.jsonl").write_text('{"at": "2026", "step": "build", "outcome": "done", "ms": 7}\n')
    inv("audit")
    assert capsys.readouterr().out.splitlines()[1].split() == ["2026", "local", "build", "done", "7"]


def test_the_audit_has_one_row_a_step_and_says_exit_codes(inv: Inv, base: Path, capsys: pytest.CaptureFixture[str]):
    lines = [{"at": "2026", "step": "build", "outcome": outcome, "ms": 7} for outcome in ("started", "failed:22")]
    (base / "audit.jsonl").write_text("\n".join(map(json.dumps, lines)))
    inv("audit")
    assert [" ".join(row.split()) for row in capsys.readouterr().out.splitlines()[1:]] == [
        "2026 local build failed (exit code 22) 7"
    ]


def test_an_empty_audit_is_said(inv: Inv, capsys: pytest.CaptureFixture[str]):
    inv("audit")
    assert capsys.readouterr().out == "nothing was done yet\n"


@pytest.mark.usefixtures("idle_docker")
def test_logs_of_nothing_are_nothing(inv: Inv, capsys: pytest.CaptureFixture[str]):
    assert inv("logs") == 0
    assert capsys.readouterr().out == ""


def test_one_file_can_be_rendered(inv: Inv, capsys: pytest.CaptureFixture[str]):
    inv("render", "--file=stack/compose.yml")
    assert capsys.readouterr().out.startswith("# generated from templates/stack.compose.yml.j2")


def test_all_files_are_rendered_behind_their_names(inv: Inv, capsys: pytest.CaptureFixture[str]):
    inv("render")
    assert "==> stack/compose.yml <==" in capsys.readouterr().out


def test_a_file_that_is_not_rendered_is_exit_code_2(inv: Inv):
    assert inv("render", "--file=nope") == 2


def test_rolling_back_without_a_host_that_is_fit_is_exit_code_3(inv: Inv):
    assert inv("rollback", "--dry-run") == 3


WITHOUT_HOSTS = [
    ["deploy"],
    ["rollback"],
    ["health"],
    ["status"],
    ["logs"],
    ["setup"],
    ["hosts.trust"],
    ["deploy", "--sandbox"],
]


@pytest.mark.parametrize("words", WITHOUT_HOSTS)
def test_what_runs_on_this_machine_is_no_server(
    inv: Inv, project: Path, capsys: pytest.CaptureFixture[str], words: list[str]
):
    text = "secrets: [TOKEN]\napp: {name: shop, source: ., services: {web: {port: 8000}}}\n"
    (project / "env" / "development.yml").write_text(text)
    assert inv(*words, "--env=development") == 2
    said = "error: development.yml: no hosts: it runs on this machine; run: inv dev.up --env=development\n"
    assert capsys.readouterr().err == said


def test_exec_without_a_command_is_exit_code_2(
    inv: Inv, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["inv", "exec"])
    assert inv("exec") == 2
    assert "write it behind two dashes: inv exec --env=production -- ls /app" in capsys.readouterr().err


@pytest.mark.usefixtures("idle_docker")
def test_a_shell_in_what_does_not_run_is_exit_code_2(inv: Inv):
    assert inv("shell", "--service=web") == 2


WRONG_VALUES = [
    (
        ["logs", "--since=yesterday"],
        '--since: should be like 10m, 2h, 2026-11-23 or 2026-11-23T10:00:00Z, got "yesterday"',
    ),
    (["logs", "--tail=abc"], '--tail: should be a number of lines or all, got "abc"'),
    (["audit", "--lines=abc"], '--lines: should be a whole number, 1 or more, got "abc"'),
    (["dev.up", "--port=abc"], '--port: should be a whole number, 1 to 65535, got "abc"'),
]


@pytest.mark.parametrize(("words", "said"), WRONG_VALUES)
def test_a_value_that_cannot_be_is_exit_code_2(
    inv: Inv, capsys: pytest.CaptureFixture[str], words: list[str], said: str
):
    assert inv(*words) == 2
    assert capsys.readouterr().err == f"error: {said}\n"


def test_health_names_a_docker_that_does_not_answer(inv: Inv, capsys: pytest.CaptureFixture[str]):
    assert inv("health") == 7
    said = capsys.readouterr().out
    assert "docker" in said
    assert "Cannot connect to the Docker daemon" in said
    assert "containers are there" not in said
