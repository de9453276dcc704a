"""A host that understands the scripts of operations, and builders of the model.

    host = ScriptedHost(make_environment().hosts["app1"]).shows(Observation("app1"))
    host.answers("step").answers("step", "build", code=1, text="no space left")

Every call needs an answer; one that was not foreseen is an AssertionError.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from autogrowth_ops.commands.shell import library
from autogrowth_ops.engines import engine_for
from autogrowth_ops.errors import Unreachable
from autogrowth_ops.model.environment import App, Environment, Host, Service
from autogrowth_ops.model.observation import Container, Facts, Observation
from autogrowth_ops.model.plan import Command
from autogrowth_ops.model.release import Release, ReleaseId, Version
from autogrowth_ops.remote import Outcome, Remote
from autogrowth_ops.session import Event, Session
from autogrowth_ops.source import Source
from autogrowth_ops.testing import FakeClock

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=timezone.utc)
GIB = 2**30
MILLISECONDS = 7
FIT = Facts(
    user="deploy",
    has_docker=True,
    can_use_docker=True,
    docker_answers=True,
    has_compose=True,
    has_buildx=True,
    has_tools=("curl", "tar"),
    is_folder_writable=True,
    disk_free_bytes=50 * GIB,
    disk_size_bytes=100 * GIB,
)
FRAMED = ("section", "reading", "step", "attempt")


@dataclass(frozen=True)
class Answer:
    """What a call prints and how it ends; `blocks` are (frame line, text) behind it, `raises` breaks the script off."""

    text: str = ""
    code: int = 0
    blocks: tuple[tuple[str, str], ...] = ()
    raises: BaseException | None = None


@dataclass(frozen=True)
class Script:
    """One script that was run: its calls, its variables, its limit and all of its standard input."""

    calls: tuple[Command, ...]
    variables: Mapping[str, str]
    timeout_seconds: float
    stdin: bytes = b""


@dataclass
class ScriptedHost:
    """A Remote that takes scripts of `commands.shell.script`; it keeps them, and in `conversations` what was joined."""

    host: Host
    trips: int = 0
    scripts: list[Script] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)
    interact_code: int = 0
    _answers: dict[Command, Answer] = field(default_factory=dict)

    def answers(
        self,
        *words: str,
        text: str = "",
        code: int = 0,
        blocks: Iterable[tuple[str, str]] = (),
        raises: BaseException | None = None,
    ) -> ScriptedHost:
        """Answer calls that begin with `words` like this; the longest beginning that fits counts."""
        self._answers[words] = Answer(text, code, tuple(blocks), raises)
        return self

    def shows(self, observed: Observation) -> ScriptedHost:
        """Answer `observe` so that `observed` is read from it."""
        blocks: list[tuple[str, str]] = []
        for name, (code, text) in observation_sections(observed).items():
            blocks += [(f"start {name}", text), (f"end {name} {code}", "")]
        return self.answers("observe", blocks=blocks)

    def goes_away(self) -> ScriptedHost:
        """From now on it cannot be reached."""
        self._answers = {(): Answer(raises=Unreachable(f"{self.host.name}: connection refused"))}
        return self

    def calls(self, first: str = "") -> tuple[Command, ...]:
        """Every call of every script, in order; only those with this first word, if one is given."""
        return tuple(call for script in self.scripts for call in script.calls if not first or call[0] == first)

    def open(self, *, wait: bool = True) -> None:
        """Nothing: it is always open."""

    def run(
        self,
        script: str,
        *,
        stdin: bytes | Iterable[bytes] = b"",
        timeout_seconds: float,
        on_line: Callable[[str], None] | None = None,
        silent_seconds: float | None = None,
    ) -> Outcome:
        """See Remote."""
        self.trips += 1
        setting, _, rest = script.partition(library())
        variables = dict(words[0].split("=", 1) for words in commands(setting))
        sent = stdin if isinstance(stdin, bytes) else b"".join(stdin)
        self.scripts.append(Script(commands(rest), variables, timeout_seconds, sent))
        printed: list[str] = []

        def say(text: str) -> None:
            for line in text.splitlines():
                printed.append(line)
                if on_line:
                    on_line(line)

        code = self._carry_out(self.scripts[-1], say)
        return Outcome(code, "".join(f"{line}\n" for line in printed), "")

    def interact(self, command: str) -> int:
        """See Remote."""
        self.conversations.append(command)
        return self.interact_code

    def interrupt(self) -> None:
        """Nothing: nothing is in progress."""

    def close(self) -> None:
        """Nothing: there is no connection."""

    def _carry_out(self, script: Script, say: Callable[[str], None]) -> int:
        mark = script.variables["MARK"]
        for call in script.calls:
            answer = self._answer(call)
            if call[0] in FRAMED:
                say(f"{mark} start {call[1]}")
            say(answer.text)
            for frame, text in answer.blocks:
                say(f"{mark} {frame}\n{text}")
            if answer.raises:
                raise answer.raises
            if call[0] in FRAMED:
                say(f"{mark} end {call[1]} {answer.code} {MILLISECONDS}")
            if call[0] == "step" and answer.code:
                return 1
        return 0

    def _answer(self, call: Command) -> Answer:
        if call[:2] == ("reading", "hold"):
            return Answer()
        fitting = [words for words in self._answers if call[: len(words)] == words]
        if not fitting:
            raise AssertionError(f"{self.host.name}: no answer for {shlex.join(call)}")
        return self._answers[max(fitting, key=len)]


def commands(text: str) -> tuple[Command, ...]:
    """The words of each command of a script; one goes over several lines where a quote is open."""
    found, pending = [], ""
    for line in text.splitlines(keepends=True):
        pending += line
        try:
            words = tuple(shlex.split(pending))
        except ValueError:
            continue
        pending = ""
        if words:
            found.append(words)
    return tuple(found)


def observation_sections(observed: Observation) -> dict[str, tuple[int, str]]:
    """How the sections of `observe` end, and what they print, at NOON on a host that is as `observed`."""
    facts = observed.facts
    flags = [name for name in ("has_docker", "can_use_docker", "is_folder_writable") if getattr(facts, name)]
    plugins = [name for name in ("compose", "buildx") if getattr(facts, f"has_{name}")]
    lines = [
        f"user={facts.user}",
        f"clock={round((NOON.timestamp() + facts.clock_skew_seconds) * 1000)}",
        *(f"{flag}=1" for flag in flags),
        *(f"plugin={plugin}" for plugin in plugins),
        *(f"tool={tool}" for tool in facts.has_tools),
        f"disk_size_kib={facts.disk_size_bytes // 1024}",
        f"disk_free_kib={facts.disk_free_bytes // 1024}",
        *([f"image_disk_free_kib={free // 1024}"] if (free := facts.image_disk_free_bytes) is not None else []),
    ]
    docker = 0 if facts.docker_answers else 1
    return {
        "facts": (0, "\n".join(lines)),
        "current": (0, observed.current or ""),
        "releases": (0, "\n\n".join(release.to_json() for release in observed.releases)),
        "containers": (docker, "\n".join(map(_container_line, observed.containers))),
        "images": (docker, "\n".join(f"{image} {observed.image_bytes}B" for image in observed.images)),
        "lock": (0, json.dumps(asdict(observed.lock)) if observed.lock else ""),
        "lock_silence": (0, str(observed.lock.silent_seconds) if observed.lock else ""),
        "leftovers": (0, "\n".join(observed.leftovers)),
        "retiring": (0, "".join(f"{name} {left}\n" for name, left in observed.retiring.items())),
        "stack_hash": (0, observed.stack_hash),
        "source_tree": (0, observed.source_tree),
        "passwords": (0, observed.passwords),
        "proxied": (0, observed.proxied),
    }


def _container_line(container: Container) -> str:
    labels = {
        "autogrowth.project": "shop-production",
        "com.docker.compose.project": container.project,
        "com.docker.compose.service": container.service,
    }
    if container.release:
        labels["autogrowth.release"] = container.release
    row = {
        "ID": container.id,
        "Names": container.name,
        "Labels": ",".join(f"{name}={value}" for name, value in labels.items()),
        "State": container.state,
        "Status": container.status,
        "Image": container.image,
        "CreatedAt": container.created_at,
    }
    return json.dumps(row)


def make_environment(
    *hosts: Host, services: Mapping[str, Service] | None = None, app: App | None = None, **changes: object
) -> Environment:
    """`shop` in `production` with a public service `web` on the host `app1`, unless told otherwise."""
    chosen = {host.name: host for host in hosts or (Host(name="app1", address="203.0.113.10"),)}
    described = app or App(name="shop", services=services or {"web": Service(port=8000)})
    return replace(Environment(name="production", app=described, hosts=chosen), **changes)  # type: ignore[arg-type]


def make_release(release_id: str = "20261123-110000-aaaaaaa", **changes: object) -> Release:
    """A good release of that id; its commit and hashes follow from the id."""
    commit = (release_id.split("-")[2] * 6)[:40]
    plain = Release(
        id=ReleaseId(release_id),
        version=Version(commit, f"tree-{commit[:7]}", subject="one more change"),
        build_hash=f"build-{commit[:7]}",
        config_hash="config",
        created_at="2026-11-23T11:00:00Z",
        created_by="kim",
        state="good",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def make_containers(release: str, state: str = "running", **services: int) -> tuple[Container, ...]:
    """So many containers of each service of a release; ids and names follow from it."""
    names = [(service, number + 1) for service, many in services.items() for number in range(many)]
    return tuple(
        Container(
            id=f"id-{release}-{service}-{number}",
            name=f"shop-production-{release}-{service}-{number}",
            project=f"shop-production-{release}",
            service=service,
            release=release,
            state=state,
            status="Up 3 minutes" if state == "running" else "Exited (0) 3 minutes ago",
        )
        for service, number in names
    )


def make_session(
    environment: Environment,
    root: Path,
    remotes: Iterable[Remote],
    *,
    clock: FakeClock | None = None,
    watch: Callable[[Event], None] = lambda _: None,
) -> Session:
    """A session of `kim` on these hosts at NOON; the source is the folder that `app.source` names below `root`."""
    found = {remote.host.name: remote for remote in remotes}
    source = Source(root / environment.app.source)
    return Session(environment, root, engine_for(environment), found, clock or FakeClock(NOON), source, watch, "kim")
