"""A Docker Engine in memory: as much of it as a deploy, a rollback and their ends use, and nothing that was not foreseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from ruamel.yaml import YAML

Mood = Literal["fine", "crash", "sick", "unbuildable"]
STARTED_AT = "2026-11-23T12:00:00.123456789Z"
LOOK = (
    '{{.Name}} {{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{.RestartCount}} '
    "{{.State.ExitCode}} {{.State.OOMKilled}}{{range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}"
)


class Unforeseen(Exception):
    """Words that no command of a deploy has; the fake has to learn them or the product to leave them."""


@dataclass(frozen=True)
class Answer:
    """What a program prints, and its exit code."""

    text: str = ""
    code: int = 0


@dataclass
class Container:
    """One container; how it behaves is decided when it is started."""

    id: str
    name: str
    labels: dict[str, str]
    image: str
    image_id: str
    ip: str
    state: str = "created"
    is_well: bool = False

    @property
    def release(self) -> str:
        return self.labels.get("autogrowth.release", "")

    @property
    def service(self) -> str:
        return self.labels["com.docker.compose.service"]

    @property
    def is_running(self) -> bool:
        return self.state == "running"


@dataclass
class FakeDocker:
    """Containers by id, and ids of images by name.

    `mood` is how builds end and how containers behave that are started from now on, but those of the `spared` release."""

    mood: Mood = "fine"
    spared: str = ""
    containers: dict[str, Container] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def answer(self, words: Sequence[str]) -> Answer:
        """What `docker` with these words says. Raise Unforeseen if it was never taught."""
        for depth in (2, 1):
            known: Callable[[list[str]], Answer] | None = getattr(self, "_" + "_".join(words[:depth]), None)
            if known:
                return known(list(words[depth:]))
        raise Unforeseen(f"docker {' '.join(words)}")

    def of_release(self, release: str, service: str = "") -> list[Container]:
        """Containers of a release, or of one of its services."""
        every = (one for one in self.containers.values() if one.release == release)
        return [one for one in every if not service or one.service == service]

    def running(self) -> set[str]:
        """Releases that have a running container."""
        return {one.release for one in self.containers.values() if one.is_running and one.release}

    def _ps(self, words: list[str]) -> Answer:
        options = _options(words, flags=("--all", "--quiet", "--no-trunc"), values=("--filter", "--format"))
        if options.rest or ("--no-trunc" not in options.flags and "--quiet" not in options.flags):
            raise Unforeseen(f"docker ps {' '.join(words)}")
        found = [
            one
            for one in self.containers.values()
            if ("--all" in options.flags or one.is_running)
            and all(_fits(one, text) for text in options.all("--filter"))
        ]
        shape = "{{.ID}}" if "--quiet" in options.flags else options.only("--format")
        return Answer("".join(f"{_row(one, shape)}\n" for one in found))

    def _inspect(self, words: list[str]) -> Answer:
        options = _options(words, values=("--format",))
        if not options.rest:
            return Answer('"docker inspect" requires at least 1 argument\n', 1)
        lines = []
        for wanted in options.rest:
            one = self._find(wanted)
            if one is None:
                return Answer("".join(lines) + f"Error: No such object: {wanted}\n", 1)
            lines.append(f"{_inspected(one, options.only('--format'))}\n")
        return Answer("".join(lines))

    def _start(self, words: list[str]) -> Answer:
        return self._each(words, self._begin)

    def _stop(self, words: list[str]) -> Answer:
        def stop(one: Container) -> None:
            one.state = "exited" if one.is_running else one.state

        return self._each(words, stop)

    def _rm(self, words: list[str]) -> Answer:
        options = _options(words, flags=("--force", "--volumes"))
        if "--force" not in options.flags:
            raise Unforeseen(f"docker rm {' '.join(words)}")
        return self._each(options.rest, lambda one: self.containers.pop(one.id))

    def _logs(self, words: list[str]) -> Answer:
        options = _options(words, values=("--tail", "--since"))
        return self._each(options.rest, lambda _: None)

    def _tag(self, words: list[str]) -> Answer:
        source, target = words
        if source not in self.images:
            return Answer(f"Error response from daemon: No such image: {source}\n", 1)
        self.images[target] = self.images[source]
        return Answer()

    def _build(self, words: list[str]) -> Answer:
        options = _options(words, values=("--tag", "--file", "--label"))
        (source,) = map(Path, options.rest)
        if self.mood == "unbuildable":
            return Answer("ERROR: failed to solve: process did not complete\n", 1)
        read = [Path(options.only("--file")), *sorted(path for path in source.rglob("*") if path.is_file())]
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in read)).hexdigest()
        self.images[options.only("--tag")] = f"sha256:{digest}"
        return Answer("built\n")

    def _image_ls(self, words: list[str]) -> Answer:
        options = _options(words, flags=("--quiet",), values=("--format",))
        (wanted,) = options.rest
        if options.flags:
            return Answer(f"{self.images[wanted][7:19]}\n" if wanted in self.images else "")
        if options.only("--format") != "{{.Repository}}:{{.Tag}} {{.Size}}":
            raise Unforeseen(f"docker image ls {' '.join(words)}")
        return Answer("".join(f"{name} 272MB\n" for name in self.images if name.startswith(f"{wanted}:")))

    def _image_inspect(self, words: list[str]) -> Answer:
        options = _options(words, values=("--format",))
        (name,) = options.rest
        if options.all("--format") != ["{{.Id}}"]:
            raise Unforeseen(f"docker image inspect {' '.join(words)}")
        return Answer(f"{self.images[name]}\n") if name in self.images else Answer(f"No such image: {name}\n", 1)

    def _image_rm(self, words: list[str]) -> Answer:
        (name,) = words
        if name not in self.images:
            return Answer(f"Error response from daemon: No such image: {name}\n", 1)
        id_ = self.images[name]
        is_last = list(self.images.values()).count(id_) == 1
        if is_last and any(one.image_id == id_ for one in self.containers.values()):
            return Answer(f"conflict: unable to remove repository reference {name}: a container uses it\n", 1)
        del self.images[name]
        return Answer(f"Untagged: {name}\n")

    def _compose(self, words: list[str]) -> Answer:
        assert words[0] == "--project-name" and words[2] == "--file", words
        project, file, (verb, *rest) = words[1], Path(words[3]), words[4:]
        known = {
            "create": lambda: self._create(project, file, _options(rest, flags=("--no-build",)).rest),
            "up": lambda: self._up(project, file, rest),
            "down": lambda: self._down(project),
            "run": lambda: self._run(rest),
        }
        if verb not in known:
            raise Unforeseen(f"docker compose {verb} {' '.join(rest)}")
        return known[verb]() if file.is_file() else Answer(f"open {file}: no such file or directory\n", 14)

    def _create(self, project: str, file: Path, services: Sequence[str]) -> Answer:
        described = _services(file.read_text())
        for name in services:
            service = described[name]
            image = str(service["image"])
            is_ours = service.get("pull_policy") == "never"
            if is_ours and image not in self.images:
                return Answer(f"Error response from daemon: No such image: {image}\n", 1)
            if is_ours and not (file.parent / "app.env").is_file():
                return Answer(f"env file {file.parent}/app.env not found\n", 14)
            for number in range(service["deploy"].get("replicas", 1)):
                self._make(project, name, number + 1, image, service["labels"])
        return Answer()

    def _make(self, project: str, service: str, number: int, image: str, labels: dict[str, str]) -> None:
        name = f"{project}-{service}-{number}"
        if self._find(name):
            return
        self.made += 1
        compose = {"project": project, "service": service, "oneoff": "False"}
        every = {**labels, **{f"com.docker.compose.{key}": value for key, value in compose.items()}}
        id_ = f"{self.made:064x}"
        ip = f"10.7.{self.made // 250}.{self.made % 250}"
        self.containers[id_] = Container(id_, name, every, image, self.images.get(image, image), ip)

    def _up(self, project: str, file: Path, words: list[str]) -> Answer:
        if words != ["--detach", "--wait", "--quiet-pull"]:
            raise Unforeseen(f"docker compose up {' '.join(words)}")
        done = self._create(project, file, list(_services(file.read_text())))
        for one in self.containers.values():
            if one.labels["com.docker.compose.project"] == project:
                one.state, one.is_well = "running", True
        return done

    def _down(self, project: str) -> Answer:
        self.containers = {
            id_: one for id_, one in self.containers.items() if one.labels["com.docker.compose.project"] != project
        }
        return Answer()

    def _run(self, words: list[str]) -> Answer:
        if words[:6] != ["--rm", "--no-deps", "--no-TTY", "--entrypoint", "caddy", "proxy"] or words[6] != "validate":
            raise Unforeseen(f"docker compose run {' '.join(words)}")
        return Answer()

    def _begin(self, one: Container) -> None:
        if not one.is_running:
            mood = "fine" if one.release == self.spared else self.mood
            one.state = "exited" if mood == "crash" else "running"
            one.is_well = mood != "sick"

    def _each(self, wanted: Sequence[str], act: Callable[[Container], object]) -> Answer:
        """As Docker does: each that is there, an error for each that is not, or for none at all."""
        found = [self._find(one) for one in wanted]
        for one in filter(None, found):
            act(one)
        said = "".join(
            f"{name}\n" if one else f"No such container: {name}\n" for name, one in zip(wanted, found, strict=True)
        )
        return Answer(said, 0 if found and all(found) else 1)

    def _find(self, wanted: str) -> Container | None:
        by_name = (one for one in self.containers.values() if one.name == wanted)
        return self.containers.get(wanted) or next(by_name, None)


@dataclass(frozen=True)
class _Options:
    flags: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    rest: tuple[str, ...]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.values if key == name]

    def only(self, name: str) -> str:
        (value,) = self.all(name)
        return value


def _options(words: Iterable[str], *, flags: Sequence[str] = (), values: Sequence[str] = ()) -> _Options:
    """Options in front of arguments; one that is not listed is Unforeseen."""
    seen, pairs, left = [], [], list(words)
    while left and left[0].startswith("-"):
        word = left.pop(0)
        if word in flags:
            seen.append(word)
        elif word in values:
            pairs.append((word, left.pop(0)))
        else:
            raise Unforeseen(f"option {word} before {' '.join(left)}")
    return _Options(tuple(seen), tuple(pairs), tuple(left))


def _fits(one: Container, text: str) -> bool:
    kind, _, wanted = text.partition("=")
    if kind == "label":
        name, _, value = wanted.partition("=")
        return one.labels.get(name) == value
    if kind == "name" and wanted.startswith("^") and wanted.endswith("$"):
        return one.name == wanted[1:-1]
    raise Unforeseen(f"--filter {text}")


def _row(one: Container, shape: str) -> str:
    if shape == "{{.ID}}":
        return one.id
    if shape == '{{.ID}} {{.Label "com.docker.compose.service"}}':
        return f"{one.id} {one.service}"
    if shape != "{{json .}}":
        raise Unforeseen(f"docker ps --format {shape}")
    labels = ",".join(f"{name}={value}" for name, value in one.labels.items())
    row = {"ID": one.id, "Names": one.name, "Labels": labels, "State": one.state, "Image": one.image}
    return json.dumps({**row, "Status": "Up 3 minutes" if one.is_running else "Exited (0)", "CreatedAt": STARTED_AT})


def _inspected(one: Container, shape: str) -> str:
    code = 3 if one.state == "exited" else 0
    if shape == LOOK:
        return f"/{one.name} {one.service} {one.state} 0 {code} false {one.ip if one.is_running else ''}"
    if shape == "{{if not .RestartCount}}{{.State.StartedAt}}{{end}}":
        return STARTED_AT
    raise Unforeseen(f"docker inspect --format {shape}")


@lru_cache(maxsize=64)
def _services(text: str) -> dict[str, dict[str, object]]:
    return YAML(typ="safe", pure=True).load(text)["services"]
