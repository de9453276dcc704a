"""The development environment on this machine: the application with reload, Postgres and Redis beside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..commands import development as words
from ..commands.shell import quoted
from ..config import ensure_sandbox_secrets, load_environment
from ..errors import HostUnready, RolloutFailed, Unhealthy, UsageError
from ..model.environment import Environment
from ..model.event import Event
from ..model.plan import Command, RenderedFile
from ..remote import Remote
from ..render import Renderer
from ..sandbox.compose import ensure_compose
from ..sandbox.engine import engine_answers, ensure_engine
from ..sandbox.images import BASE_IMAGES, ensure_base_images
from ..session import Session
from .answering import answers
from .ports import refuse_taken

FOLDER = ".autogrowth/development"
BUILD_SECONDS, START_SECONDS, POSTGRES_SECONDS, LOOK_SECONDS = 1800, 600, 60, 30
POLL_SECONDS = 0.3
LOG_LINES = 30
BROKEN = ("restarting", "exited", "dead")
DATASTORES = {"postgres": 5432, "redis": 6379}


@dataclass(frozen=True)
class Development:
    """What runs: its containers, where it answers, and whether it does."""

    url: str
    containers: tuple[words.Running, ...]
    is_healthy: bool


@dataclass(frozen=True)
class Awaited:
    """Something that takes a while to answer; `service` is its container's."""

    service: str
    what: str
    answers: Callable[[], bool]
    seconds: int


def refuse_hosts(name: str, root: Path) -> None:
    """Raise UsageError for an environment with hosts: the development environment is this machine."""
    if load_environment(name, root, need_secrets=False).hosts:
        raise UsageError(f"{name}.yml: has hosts; the development environment is this machine: take one without hosts")


def ensure_secrets(name: str, root: Path) -> tuple[str, ...]:
    """Make up each secret that has no value, in env/<name>.secrets; the names of those made."""
    return ensure_sandbox_secrets(name, root, root / "env" / f"{name}.secrets")


def ports(environment: Environment, chosen: Mapping[str, int]) -> dict[str, int]:
    """Ports on this machine by service, `postgres` and `redis`: the chosen ones, else the usual ones."""
    found = {name: service.port for name, service in environment.app.services.items() if service.port}
    found |= {name: port for name, port in DATASTORES.items() if getattr(environment.stack, name)}
    return {name: chosen.get(name) or port for name, port in found.items()}


def up(session: Session, chosen: Mapping[str, int]) -> Development:
    """Build, start, and wait until the application answers; repeatable, it changes what changed.

    Raise UsageError for a taken port, RolloutFailed if it cannot be built or started, Unhealthy without an answer."""
    environment, remote = session.environment, _this_machine(session)
    ensure_engine(session.note)
    compose = _compose(session, ensure_compose(session.note))
    ensure_base_images(session.note, _known_images(environment))
    found = ports(environment, chosen)
    refuse_taken(remote, environment, found, _containers(session))
    _write(session, Renderer(environment, session.root).development(FOLDER, _user(remote), found))
    _step(session, "build the image", compose.words("build"), BUILD_SECONDS)
    _step(
        session,
        "start the containers",
        compose.words("up", "--detach", "--no-build", "--remove-orphans"),
        START_SECONDS,
    )
    url = _url(environment, found)
    for one in _awaited(remote, compose, environment, url):
        _await(session, compose, one)
    return Development(url, _containers(session), is_healthy=True)


def down(session: Session, *, volumes: bool) -> tuple[str, ...]:
    """Remove the containers, with `volumes` the data of Postgres and Redis too; names of what ran.

    data/ and logs/ stay. Raise HostUnready if no engine answers: its containers would be left behind."""
    if not engine_answers():
        raise HostUnready("docker: no engine answers on this machine; start it and try again")
    ran = tuple(one.service for one in _containers(session))
    if ran or volumes:
        compose = _compose(session, ensure_compose(session.note))
        options = ("--volumes",) if volumes else ()
        _step(session, "stop the containers", words.down(compose, *options), START_SECONDS)
    return ran


def status(session: Session) -> Development:
    """What runs, and whether it answers."""
    found = _containers(session)
    service = _public(session.environment)
    taken = next((one.ports for one in found if one.service == service and one.ports), ())
    url = _url(session.environment, {session.environment.app.public_service(): taken[0]}) if taken else ""
    return Development(url, found, is_healthy=bool(url) and answers(url))


def _this_machine(session: Session) -> Remote:
    return next(iter(session.remotes.values()))


def _compose(session: Session, program: Command) -> words.Compose:
    return words.Compose(
        program, session.environment.project, str(session.root), f"{session.root}/{FOLDER}/compose.yml"
    )


def _known_images(environment: Environment) -> tuple[str, ...]:
    stack = environment.stack
    named = [environment.app.python, *(one.image for one in (stack.postgres, stack.redis) if one)]
    return tuple(image for image in BASE_IMAGES if image in named)


def _user(remote: Remote) -> str:
    """Files that containers write belong to who runs this; an engine without root maps its root to that user."""
    answer = remote.run(quoted(words.is_rootless()), timeout_seconds=LOOK_SECONDS)
    return "0:0" if "name=rootless" in answer.stdout else f"{os.getuid()}:{os.getgid()}"


def _write(session: Session, files: tuple[RenderedFile, ...]) -> None:
    """Mounted folders are made here: Docker would make them root's."""
    for name in ("data", "logs", FOLDER):
        (session.root / name).mkdir(parents=True, exist_ok=True)
    for file in files:
        target = session.root / FOLDER / file.path
        target.touch(mode=file.mode)
        target.chmod(file.mode)
        target.write_text(file.text, encoding="utf-8")


def _step(session: Session, title: str, command: Command, timeout_seconds: int) -> None:
    began = session.clock.monotonic()
    session.watch(Event("", title, "started"))
    done = _this_machine(session).run(f"exec 2>&1; {quoted(command)}", timeout_seconds=timeout_seconds)
    if done.exit_code:
        session.watch(Event("", title, "failed"))
        lines = [line for line in done.stdout.splitlines() if line.strip()] or ["no output"]
        raise RolloutFailed(
            f"{session.environment.name}: {title}: {lines[-1]}; what ran before still runs", lines[-LOG_LINES:]
        )
    session.watch(Event("", title, "done", session.clock.monotonic() - began))


def _awaited(remote: Remote, compose: words.Compose, environment: Environment, url: str) -> Iterator[Awaited]:
    if environment.stack.postgres:
        ready = quoted(words.postgres_is_ready(compose))
        yield Awaited(
            "postgres",
            "Postgres",
            lambda: remote.run(ready, timeout_seconds=LOOK_SECONDS).exit_code == 0,
            POSTGRES_SECONDS,
        )
    if url:
        service = environment.app.services[environment.app.public_service()]
        yield Awaited(_public(environment), url, lambda: answers(url), service.start_timeout_seconds)


def _await(session: Session, compose: words.Compose, awaited: Awaited) -> None:
    title, began = f"wait for {awaited.what}", session.clock.monotonic()
    session.watch(Event("", title, "started"))
    why = _why_not(session, awaited)
    if why:
        session.watch(Event("", title, "failed"))
        logs = quoted(words.logs(compose, [awaited.service], LOG_LINES))
        said = _this_machine(session).run(f"exec 2>&1; {logs}", timeout_seconds=LOOK_SECONDS)
        error = Unhealthy(
            f"{session.environment.name}: {awaited.what} does not answer: {why}; its last lines are below"
        )
        error.details = tuple(said.stdout.splitlines())
        raise error
    session.watch(Event("", title, "done", session.clock.monotonic() - began))


def _why_not(session: Session, awaited: Awaited) -> str:
    """Empty as soon as it answers, else why it will not."""
    deadline = session.clock.monotonic() + awaited.seconds
    while not awaited.answers():
        broken = [one for one in _containers(session) if one.service == awaited.service and one.state in BROKEN]
        if broken:
            return f"its container is {broken[0].state}: {broken[0].status}"
        if session.clock.monotonic() >= deadline:
            return f"not within {awaited.seconds} s"
        session.clock.sleep(POLL_SECONDS)
    return ""


def _containers(session: Session) -> tuple[words.Running, ...]:
    listed = _this_machine(session).run(
        quoted(words.containers(session.environment.project)), timeout_seconds=LOOK_SECONDS
    )
    return words.parse_containers(listed.stdout)


def _public(environment: Environment) -> str:
    """Name of the public service in the development environment: the application's own."""
    return environment.app.name if environment.app.public_service() else ""


def _url(environment: Environment, found: Mapping[str, int]) -> str:
    name = environment.app.public_service()
    return f"http://127.0.0.1:{found[name]}{environment.app.services[name].health_path}" if name else ""
