"""Make bare servers ready to be deployed to: look, change what is missing, and prove it over a new connection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..commands import host as words
from ..commands import setup as setup_words
from ..errors import HostUnready
from ..model.environment import Environment, Host
from ..model.event import Event
from ..model.readiness import TOOLS, Item, Machine, Wanted, items
from ..model.sizes import size_bytes
from ..remote import Remote, on_hosts, open_remote
from ..render import Renderer
from ..scripts import Result, run_script
from ..session import Session
from .look import unfit

LOOK_SECONDS = 60
AT_ONCE = 10
ROOT, DEPLOYER = "root", "deploy"
MEBIBYTE = 1 << 20
LAST_LINES = 20


@dataclass(frozen=True)
class Prepared:
    """One host: who deploys to it, what it needed and got (`missing`: only looked at), and what to do by hand."""

    host: str
    user: str
    items: tuple[Item, ...]
    advice: str = ""

    def changed(self) -> tuple[Item, ...]:
        """What was not there before."""
        return tuple(item for item in self.items if item.state != "already")


def deployer(host: Host) -> str:
    """Who is to deploy to a host: its user, but never root."""
    return DEPLOYER if host.user == ROOT else host.user


def prepare_hosts(session: Session, declared: Environment, *, only_look: bool = False) -> tuple[Prepared, ...]:
    """Every host with all that a deploy needs; `session` is logged in with rights, `declared` names the users.

    Raise HostUnready if a host cannot be prepared. Repeatable: what is there is left alone."""

    def act(remote: Remote) -> Prepared:
        return _prepare(session, remote, declared.hosts[remote.host.name], only_look=only_look)

    found = on_hosts(tuple(session.remotes.values()), act, at_once=AT_ONCE)
    return tuple(found.values())


def _prepare(session: Session, remote: Remote, declared: Host, *, only_look: bool) -> Prepared:
    user, name = deployer(declared), declared.name
    rotation_file = f"/etc/logrotate.d/{session.environment.project}"
    looked = run_script(
        remote, setup_words.look(user, rotation_file), session.engine.variables(), timeout_seconds=LOOK_SECONDS
    )
    machine = setup_words.parse_machine(looked.sections())
    found = _needed(name, machine, _wanted(session, machine, user, rotation_file))
    missing = [item for item in found if item.state == "missing"]
    if missing:
        _refuse(session, name, machine, missing)
    if only_look:
        return Prepared(name, user, found)
    for item in found:
        if item.state == "already":
            session.note(f"already there: {item.title}", name)
    changed = _change(session, remote, machine, missing) if missing else {}
    _prove(session, replace(declared, user=user))
    made = tuple(changed.get(item.key, item) for item in found)
    return Prepared(name, user, made, _advice(session, declared, user))


def _wanted(session: Session, machine: Machine, user: str, rotation_file: str) -> Wanted:
    environment, names = session.environment, {"user": user, "group": machine.group or user}
    rotation = Renderer(environment, session.root).text("logrotate", folder=environment.folder, **names)
    max_bytes = size_bytes(environment.logging.max_size)
    max_size = f"{max_bytes}b" if max_bytes % MEBIBYTE else f"{max_bytes // MEBIBYTE}m"
    return Wanted(user, environment.folder, rotation_file, rotation, max_size, environment.logging.files)


def _needed(name: str, machine: Machine, wanted: Wanted) -> tuple[Item, ...]:
    try:
        return items(machine, wanted)
    except ValueError as error:
        raise HostUnready(
            f"{name}: {setup_words.DAEMON}: not understood: {error}; Docker does not start with it: mend it, then "
            "run this again"
        ) from error


def _refuse(session: Session, name: str, machine: Machine, missing: Sequence[Item]) -> None:
    what = "; ".join(item.title for item in missing)
    if not machine.can_be_root:
        raise HostUnready(
            f"{name}: user {machine.login} is neither root nor may use sudo without a password, which is needed for: "
            f"{what}; log in once as somebody who may: inv setup {session.environment.options} --host={name} "
            "--login=root"
        )
    if machine.lacking() and not machine.is_debian:
        raise HostUnready(
            f"{name}: {machine.system} is neither Debian nor Ubuntu; install by hand what is missing "
            f"({_titles(machine.lacking())}), then run this again"
        )


def _change(session: Session, remote: Remote, machine: Machine, missing: Sequence[Item]) -> dict[str, Item]:
    name, by_key = remote.host.name, {item.key: item for item in missing}

    def heard(frame: tuple[str, ...]) -> None:
        item = by_key.get(frame[1])
        if item and frame[0] == "start":
            session.watch(Event(name, item.title, "started"))
        elif item:
            ended = "done" if frame[2] == "0" else "failed"
            session.watch(Event(name, item.title, ended, int(frame[3]) / 1000))

    result = run_script(
        remote,
        [setup_words.functions(), *(words.in_step(item.key, item.do) for item in missing)],
        {**session.engine.variables(), "RELEASE": "setup", "BY": json.dumps(session.who)},
        timeout_seconds=sum(item.timeout_seconds for item in missing),
        on_frame=heard,
    )
    return _made(session, name, machine, missing, result)


def _made(session: Session, name: str, machine: Machine, missing: Sequence[Item], result: Result) -> dict[str, Item]:
    ends = result.sections()
    failed = next((item for item in missing if ends.get(item.key, (1, ""))[0]), None)
    if failed:
        raise _failure(name, machine, failed, *ends.get(failed.key, (1, "")))
    notes = {item.key: ends[item.key][1] for item in missing if item.key == "daemon"}
    for note in filter(None, notes.values()):
        session.note(note, name)
    return {item.key: replace(item, state="changed", note=notes.get(item.key, "")) for item in missing}


def _failure(name: str, machine: Machine, item: Item, code: int, text: str) -> HostUnready:
    lines = text.splitlines() or ["no output"]
    if code == setup_words.NO_SOURCES:
        why = f"packages cannot be fetched: {lines[0]}; check its network, DNS and /etc/apt, then run this again"
    elif code == setup_words.NO_PACKAGE:
        why = (
            f"{machine.system} has no package for {_titles(lines)}; use Debian 13, Ubuntu 22.04 or newer, or "
            "add Docker's own package source (https://docs.docker.com/engine/install), then run this again"
        )
    else:
        why = f"{item.title}: failed with exit code {code}: {lines[-1]}; mend it, then run this again"
    error = HostUnready(f"{name}: {why}")
    error.details = tuple(lines[-LAST_LINES:])
    return error


def _prove(session: Session, host: Host) -> None:
    """A new connection: who was put into a group is in it from the next login on."""
    remote = open_remote(host, session.environment.policies.connect_timeout_seconds)
    try:
        facts = session.engine.observe(remote, session.clock).facts
    finally:
        remote.close()
    problems = unfit(facts, session.environment)
    if problems:
        raise HostUnready("\n".join(f"{host.name}: {problem}" for problem in problems))
    session.note(f"{host.user} can deploy, proved over a new connection", host.name)


def _advice(session: Session, declared: Host, user: str) -> str:
    if declared.user == user:
        return ""
    return f"{declared.name}: deploy as {user}, not as root: write `user: {user}` in env/{session.environment.name}.yml"


def _titles(names: Sequence[str]) -> str:
    return ", ".join(TOOLS.get(name, name) for name in names)


def as_login(environment: Environment, login: str) -> Environment:
    """The environment as somebody else sees it who logs in to its hosts; nobody else if `login` is empty."""
    hosts: Mapping[str, Host] = environment.hosts
    if login:
        hosts = {name: replace(host, user=login) for name, host in hosts.items()}
    return replace(environment, hosts=hosts)
