"""Secrets stay where they belong: random ones are planted, then looked for behind every kind of run (`--thorough`; usually
behind those that have most to do with secrets), in all that was printed, in the command lines of all processes meanwhile, and in every file of the host and of this machine.

They belong into `releases/<id>/app.env` (0600) and, as a container's environment, into Docker's own files about it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autogrowth_ops.folders import state_folder
from autogrowth_ops.sandbox.state import state_of

from .leaks import Samples, files_with, forms, found_in, make_secret, sampling
from .project import APP, INV, TWO_REPLICAS, Project, make_project

NAME = f"{APP}-secrets"
BASE = f"/srv/{NAME}/sandbox"
AWKWARD = {"POSTGRES_PASSWORD": "$x\"'\\#: ", "REDIS_PASSWORD": "${Y}\\n'\"#:%", "API_TOKEN": "$ \" ' \\ # : 비번 "}
FUTURE = "from __future__ import annotations\n"
SPEAKING = FUTURE + "import os\nprint(os.environ['API_TOKEN'], os.environ['DATABASE_URL'], flush=True)\n"
DYING = SPEAKING + "raise SystemExit(repr(dict(os.environ)))\n"
HEALTH = "async def health(request: Request) -> Response:\n"
SICK = HEALTH + "    return JSONResponse(dict(os.environ), 503)\n"
MIGRATE = '    """`main.py migrate`: one line a migration, 1 and a message if it failed. `only` is list, newest or empty."""\n'
FAILING = MIGRATE + "    import os\n    sys.exit(str(dict(os.environ)))\n"
DEFECT = """
import autogrowth_ops.operations.deploy as broken
def carry_out(session, plan, release, **_):
    raise RuntimeError(f"{session} {plan} {release}")
broken.carry_out = carry_out
"""
OF_DOCKER = re.compile(r"/var/lib/docker/containers/[^/]+/config\.v2\.json|/(var/lib|run)/docker/containerd/.*")
Changes = tuple[tuple[str, str, str], ...]
BROKEN: dict[str, Changes] = {
    "failed at its start": (("main.py", FUTURE, DYING),),
    "never healthy": (("src/app.py", HEALTH, SICK),),
    "failed build": (("requirements.txt", "\n", "\nno-such-package-of-this-name==1\n"),),
    "failed migration": (("src/migrate.py", MIGRATE, FAILING), ("src/migrations/0001_orders.sql", "\n", "\n\n")),
}
USUALLY_BROKEN = ("failed at its start", "failed migration")
DEPLOY = ("deploy", "--env=sandbox", "--skip-tests", "--wait=60s")
LOOKING = ("status", "audit", "releases", "lock.status", "logs", "health")


@dataclass
class Runs:
    """Every kind of run on a host of their own, with what each printed; `planted` are the secrets, first and later."""

    project: Project
    container: str
    planted: tuple[dict[str, str], dict[str, str]]
    began: float
    printed: dict[str, str] = field(default_factory=dict)
    seen: Samples = field(default_factory=Samples)
    is_thorough: bool = False

    def needles(self) -> list[str]:
        """Every form of every secret."""
        return [form for secrets in self.planted for secret in secrets.values() for form in forms(secret)]

    def use_secrets(self, number: int) -> None:
        """From now on env/sandbox.secrets has the first or the later ones."""
        quoted = {name: text.replace("\\", "\\\\").replace("'", "\\'") for name, text in self.planted[number].items()}
        file = self.project.root / "env" / "sandbox.secrets"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name}='{text}'\n" for name, text in quoted.items()))

    def run(self, kind: str, *words: str, code: int = 0) -> str:
        """Run `inv`, keep what it printed, and return its stdout."""
        done = self.project.inv(*words, check=False)
        self.printed[kind] = done.stdout + done.stderr
        assert done.returncode == code, f"{kind}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def run_broken(self, kind: str, changes: Changes) -> None:
        """Deploy with files of the application changed, which fails; then they are as they were."""
        for path, old, new in changes:
            file = self.project.source / path
            file.write_text(file.read_text().replace(old, new, 1))
        self.project.commit(kind)
        self.run(kind, *DEPLOY, code=4)
        subprocess.run(["git", "revert", "--no-edit", "HEAD"], cwd=self.project.root, check=True, capture_output=True)

    def run_with(self, path: str, text: str, kind: str, *words: str, code: int) -> None:
        """Run `inv` with other text in a file of the project."""
        file = self.project.root / path
        before = file.read_text()
        file.write_text(text)
        try:
            self.run(kind, *words, code=code)
        finally:
            file.write_text(before)

    def kill(self, kind: str, step: str) -> None:
        """Deploy, and kill it when it says that this step is done."""
        words, pipe = [str(INV), *DEPLOY], subprocess.PIPE
        with subprocess.Popen(
            words, cwd=self.project.root, stdin=subprocess.DEVNULL, stderr=pipe, text=True
        ) as process:
            assert process.stderr
            lines = iter(process.stderr.readline, "")
            self.printed[kind] = next(line for line in lines if step in line)
            process.send_signal(signal.SIGKILL)
            self.printed[kind] += process.stderr.read()
        assert process.returncode == -signal.SIGKILL

    def on_host(self, script: str, stdin: str = "") -> str:
        """What a script prints on the host, as root."""
        words = ["docker", "exec", "--interactive", self.container, "bash", "-c", script]
        return subprocess.run(words, input=stdin, capture_output=True, text=True, check=True).stdout

    def host_files(self, *folders: str) -> set[str]:
        """Files of the host that have a needle."""
        look = f"LC_ALL=C grep -rlaF --devices=skip -f - {' '.join(folders)} 2>/dev/null || true"
        return set(self.on_host(look, "\n".join(self.needles()) + "\n").splitlines())

    def images_and_their_history(self) -> str:
        """Names of images of the environment whose layers, history or settings have a needle."""
        look = f"""needles=$(mktemp) && cat >"$needles"
        for image in $(docker image ls {NAME}-sandbox --format '{{{{.Repository}}}}:{{{{.Tag}}}}'); do
          {{ docker save "$image"; docker history --no-trunc "$image"; docker inspect "$image"; }} |
            LC_ALL=C grep -qaF -f "$needles" && echo "$image"
        done; rm "$needles" """
        return self.on_host(look, "\n".join(self.needles()) + "\n")


def deploy_in_every_way(runs: Runs) -> None:
    runs.run("first deploy, with the tests", "deploy", "--env=sandbox")
    runs.project.change("main.py", FUTURE, FUTURE + "# changed\n")
    runs.use_secrets(1)
    runs.run("dry run of other secrets", *DEPLOY, "--dry-run")
    runs.kill("killed with other secrets", "set the passwords")
    runs.run("other secrets", *DEPLOY)
    runs.run("rollback over other secrets", "rollback", "--env=sandbox")


def deploy_in_more_ways(runs: Runs) -> None:
    env = runs.project.root / "env" / "sandbox.env"
    runs.project.change("main.py", FUTURE, FUTURE + "# changed once more\n")
    runs.run("dry run", *DEPLOY, "--dry-run")
    runs.run("code change", *DEPLOY)
    env.write_text(env.read_text() + "\nFEATURE=on\n")
    runs.run("configuration only, as JSON", *DEPLOY, "--json")
    runs.run("rollback", "rollback", "--env=sandbox")
    newest = json.loads(runs.run("releases", "releases", "--env=sandbox", "--json"))[0]["release"]["id"]
    runs.run("a release by its id, as JSON", *DEPLOY, f"--version={newest}", "--json")
    runs.run("nothing to do", *DEPLOY)
    without = env.read_text().replace("API_TOKEN={{ secrets.API_TOKEN }}", "TOKEN=public")
    runs.run_with("env/sandbox.env", without, "dry run without a secret", *DEPLOY, "--dry-run", code=0)


def fail_in_every_way(runs: Runs) -> None:
    for kind in BROKEN if runs.is_thorough else USUALLY_BROKEN:
        runs.run_broken(kind, BROKEN[kind])
    if runs.is_thorough:
        runs.use_secrets(0)
        runs.run_broken("failed with other secrets", BROKEN["failed at its start"])
        runs.use_secrets(1)
    env, tasks = (runs.project.root / path for path in ("env/sandbox.env", "tasks.py"))
    wrong = env.read_text() + "\nBROKEN={{ stack[secrets.API_TOKEN] }}\n"
    runs.run_with("env/sandbox.env", wrong, "a wrong expression", *DEPLOY, code=2)
    runs.project.change("main.py", FUTURE, FUTURE + "# changed again\n")
    runs.run_with("tasks.py", tasks.read_text() + DEFECT, "a defect, with its trace", *DEPLOY, code=1)
    runs.run("an unknown release", "rollback", "--env=sandbox", "--to=20200101-000000-0000000", code=2)


def look_in_every_way(runs: Runs) -> None:
    for task in LOOKING:
        runs.run(task, task, "--env=sandbox")
    for task in LOOKING if runs.is_thorough else ():
        runs.run(f"{task}, as JSON", task, "--env=sandbox", "--json")
    runs.run("logs of the stack", "logs", "--env=sandbox", "--service=proxy,postgres,redis", "--tail=all")
    runs.run("render", "render", "--env=sandbox")
    runs.run("render, as JSON", "render", "--env=sandbox", "--json")
    runs.run("checklist", "checklist", "--env=sandbox", code=7)
    runs.run("checklist, as JSON", "checklist", "--env=sandbox", "--json", code=7)
    runs.run("exec", "exec", "--env=sandbox", "--", "ls", "/app")
    runs.run("exec that fails", "exec", "--env=sandbox", "--", "cat", "/no/such/file", code=1)
    runs.run("no lock", "lock.release", "--env=sandbox", code=2)


def speak(runs: Runs) -> None:
    """A release that prints its secrets as it starts; Docker keeps that, as it keeps whatever an application prints."""
    runs.project.change("main.py", FUTURE, SPEAKING)
    runs.run("a release that prints its secrets", *DEPLOY)
    runs.run("its logs", "logs", "--env=sandbox")
    runs.run("its logs, as JSON", "logs", "--env=sandbox", "--json")


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """All kinds of runs, made once, with samplers at work from before the first to behind the last."""
    project = make_project(Path(tmp_path_factory.mktemp("secrets")) / "project", NAME, as_shipped=True)
    yml, env = (project.root / "env" / f"sandbox.{kind}" for kind in ("yml", "env"))
    yml.write_text(
        yml.read_text()
        .replace("REDIS_PASSWORD]", "REDIS_PASSWORD, API_TOKEN]")
        .replace(TWO_REPLICAS, f"{TWO_REPLICAS}      start_timeout_seconds: 20\n")
    )
    env.write_text(env.read_text() + "\nAPI_TOKEN={{ secrets.API_TOKEN }}\n")
    project.commit()
    first, later = ({name: make_secret(awkward) for name, awkward in AWKWARD.items()} for _ in range(2))
    began = time.time()
    project.inv("sandbox.up", "--env=sandbox")
    made = Runs(project, state_of(f"{NAME}-sandbox").hosts()[0].container, (first, later), began)
    made.is_thorough = request.config.getoption("--thorough")
    try:
        made.use_secrets(0)
        with sampling(made.needles(), made.container) as made.seen:
            deploy_in_every_way(made)
            if made.is_thorough:
                deploy_in_more_ways(made)
            fail_in_every_way(made)
            look_in_every_way(made)
        yield made
    finally:
        project.inv("sandbox.down", "--env=sandbox")


def test_every_run_printed_something_to_look_into(runs: Runs) -> None:
    assert len(runs.printed) == (40 if runs.is_thorough else 24)
    assert [kind for kind, text in runs.printed.items() if not text.strip()] == []


def test_nothing_that_was_printed_has_a_secret(runs: Runs) -> None:
    assert [kind for kind, text in runs.printed.items() if found_in(text, runs.needles())] == []


def test_what_an_application_prints_of_its_secrets_is_masked(runs: Runs) -> None:
    kinds = {"failed at its start", "never healthy", "failed migration", "failed with other secrets"} & set(
        runs.printed
    )
    assert kinds >= {"failed at its start", "failed migration"}
    assert [kind for kind in kinds if "••••••" not in runs.printed[kind]] == []


def test_no_process_had_a_secret_in_its_command_line(runs: Runs) -> None:
    assert runs.seen.found == []


def test_the_samplers_looked_often_enough_to_see_what_lives_shortly(runs: Runs) -> None:
    assert runs.seen.scans > 1000
    assert {"python3", "git"} & set(runs.seen.programs)
    assert {"docker", "sh", "curl", "psql", "redis-cli"} <= set(runs.seen.programs)  # these run on the host only


def test_the_image_as_shipped_runs_as_appuser_and_has_no_compiler(runs: Runs) -> None:
    web = runs.on_host("docker ps --quiet --filter label=com.docker.compose.service=web | head -n 1").strip()
    assert runs.on_host(f"docker exec {web} id -un") == "appuser\n"
    assert (
        runs.on_host(f"docker exec {web} sh -c 'for one in gcc g++ cc; do command -v $one; done; echo none'")
        == "none\n"
    )
    assert runs.on_host(f"docker exec {web} python -c 'import sys; print(sys.prefix)'") == "/opt/venv\n"


def test_no_image_has_a_secret_in_its_layers_history_or_settings(runs: Runs) -> None:
    assert runs.on_host(f"docker image ls --quiet {NAME}-sandbox | wc -l").strip() != "0"
    assert runs.images_and_their_history() == ""


def test_on_the_host_only_variables_and_what_applications_print_have_secrets(runs: Runs) -> None:
    found = runs.host_files("/srv", "/tmp", "/var", "/home", "/root", "/etc", "/run")
    may = ("/app.env", "/migrations.log")  # what a migration prints is kept as Docker keeps what a container prints
    belong = {path for path in found if path.startswith(f"{BASE}/releases/") and path.endswith(may)}
    of_docker = {path for path in found if OF_DOCKER.fullmatch(path)}
    assert belong
    assert of_docker
    assert sorted(found - belong - of_docker) == []
    modes = runs.on_host(f"stat -c '%a %U' {' '.join(sorted(belong))}").splitlines()
    assert set(modes) == {"600 deploy"}
    readable = f"for file in {' '.join(sorted(found))}; do ! setpriv --reuid=nobody --clear-groups test -r $file || echo $file; done"
    assert runs.on_host(readable) == ""


def test_on_this_machine_only_the_file_of_the_secrets_has_them(runs: Runs) -> None:
    folders = [runs.project.root, state_folder(), Path(tempfile.gettempdir())]
    found = files_with(folders, runs.needles(), since=runs.began)
    own = runs.project.root / "env" / "sandbox.secrets"
    assert found == {own}
    assert own.stat().st_mode & 0o777 == 0o600


def test_logs_are_shown_without_the_secrets_in_them(runs: Runs) -> None:
    speak(runs)
    assert found_in(runs.on_host("cat /var/lib/docker/containers/*/*-json.log"), runs.needles())
    for kind in ("a release that prints its secrets", "its logs", "its logs, as JSON"):
        assert found_in(runs.printed[kind], runs.needles()) == []
    assert "••••••" in runs.printed["its logs"]


@pytest.fixture(scope="module")
def planted() -> str:
    return make_secret('$"')


def test_a_sampler_finds_a_command_line(planted: str) -> None:
    with sampling(forms(planted)) as seen:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.3)", planted], check=True)
    assert [one for one in seen.found if one.startswith("command line of python")]


def test_a_sampler_finds_an_environment(planted: str) -> None:
    with sampling(forms(planted)) as seen:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(0.3)"], check=True, env={"TOKEN": planted})
    assert [one for one in seen.found if one.startswith("environment of python")]


@pytest.mark.parametrize(
    ("where", "script"), [("command line", "sh -c 'sleep 0.3' \"$secret\""), ("environment", "A=$secret sleep 0.3")]
)
def test_a_sampler_finds_what_runs_on_the_host(runs: Runs, where: str, script: str) -> None:
    with sampling(runs.needles(), runs.container) as seen:
        runs.on_host(f"read -r secret && {script}", f"{runs.planted[0]['REDIS_PASSWORD']}\n")
    assert [one for one in seen.found if one.startswith(where)]


@pytest.mark.parametrize("number", range(16))
def test_every_form_is_found_in_a_text(planted: str, number: int) -> None:
    every = forms(planted)
    assert every[number % len(every)] in found_in(f"before {every[number % len(every)]} after", every)


def test_a_planted_file_is_found_here_and_on_the_host(runs: Runs, tmp_path: Path) -> None:
    secret = runs.planted[0]["API_TOKEN"]
    (tmp_path / "leak").write_text(json.dumps({"a": secret}))
    runs.on_host("mkdir -p /tmp/planted && cat >/tmp/planted/leak", secret)
    assert files_with([tmp_path], runs.needles()) == {tmp_path / "leak"}
    assert runs.host_files("/tmp/planted") == {"/tmp/planted/leak"}
