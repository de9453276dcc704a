"""`curl` on the fake host: the application's replicas, the proxy in front of them, and the proxy's admin socket."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .docker import Answer, Container, FakeDocker, Unforeseen

PUBLIC, PORT, HEALTH = "web", "8000", "/health"
PORTS = {PUBLIC: PORT, "clock": "9000"}
SWITCHES = ("--silent", "--show-error", "--fail-with-body", "--retry-connrefused")
VALUES = ("--max-time", "--retry", "--retry-delay", "--output", "--dump-header", "--write-out", "--unix-socket")
MORE_VALUES = ("--header", "--data-binary")


class FakeCurl:
    """Answers as the containers of a FakeDocker would, with the proxy's files in `base`."""

    def __init__(self, docker: FakeDocker, base: Path) -> None:
        self._docker = docker
        self._base = base

    def answer(self, words: Sequence[str]) -> Answer:
        """What `curl` with these words says. Raise Unforeseen if it was never taught."""
        given, (url,) = _parsed(words)
        if "--unix-socket" in given:
            assert given["--unix-socket"] == str(self._base / "stack/admin/socket"), given
            return Answer("", 0 if self._proxy() else 7)
        address, _, path = url.removeprefix("http://").partition("/")
        path, _, times = f"/{path}".partition("#")
        if path != HEALTH or times not in ("", "[1-3]"):
            raise Unforeseen(f"curl {url}")
        status, release = self.through_proxy() if address == "127.0.0.1:80" else (self._of_replica(address), "")
        headers = f"HTTP/1.1 {status}\r\nX-Release: {release}\r\n\r\n"
        many = 3 if times else 1
        Path(given["--output"]).write_text("healthy" if status == "200" else "")
        if "--dump-header" in given:
            Path(given["--dump-header"]).write_text(headers * many)
        return Answer(given["--write-out"].replace("%{http_code}", status) * many, 7 if status == "000" else 0)

    def through_proxy(self) -> tuple[str, str]:
        """Status and release of what a client gets at this moment."""
        release, port = _read(self._base / "stack/proxy/release"), _read(self._base / "stack/proxy/port")
        if not self._proxy():
            return "000", ""
        if not release:
            return "503", ""
        there = [one for one in self._docker.of_release(release, PUBLIC) if one.is_running and port == PORT]
        return ("200" if there and all(one.is_well for one in there) else "502"), release

    def _proxy(self) -> bool:
        return any(one.service == "proxy" and one.is_running for one in self._docker.of_release(""))

    def _of_replica(self, address: str) -> str:
        ip, _, port = address.partition(":")
        there = [
            one for one in self._docker.containers.values() if one.is_running and one.ip == ip and _listens(one, port)
        ]
        return "000" if not there else "200" if there[0].is_well else "503"


def _listens(one: Container, port: str) -> bool:
    return PORTS.get(one.service) == port


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def _parsed(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    left, given, rest = list(words), {}, []
    while left:
        word = left.pop(0)
        if word in (*VALUES, *MORE_VALUES):
            given[word] = left.pop(0)
        elif not word.startswith("-"):
            rest.append(word)
        elif word not in SWITCHES:
            raise Unforeseen(f"curl {word}")
    return given, rest
