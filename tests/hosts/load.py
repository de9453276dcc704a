"""A constant load over new connections, from a process of its own; with a control that shows the machine's own pauses.

python load.py PORT PATH RATE    until standard input ends; prints one JSON document"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LONGEST_SECONDS = 300
LONGEST_ANSWER_SECONDS = 15


@dataclass
class Report:
    """What came back: every answer's release in order of sending, the failures, and the longest pauses in seconds."""

    sent: int = 0
    failures: list[str] = field(default_factory=list)
    releases: list[str] = field(default_factory=list)
    gap: float = 0.0
    control_gap: float = 0.0

    def orders(self) -> list[str]:
        """Releases in the order they first answered."""
        return list(dict.fromkeys(self.releases))


@contextmanager
def load(port: int, path: str = "/version", rate: int = 50) -> Iterator[Report]:
    """Requests while the block runs; the report is filled in when it ends."""
    report = Report()
    words = [sys.executable, str(Path(__file__)), str(port), path, str(rate)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdin
        assert process.stdout.readline() == "ready\n"
        try:
            yield report
        finally:
            output, _ = process.communicate()
            for name, value in json.loads(output).items():
                setattr(report, name, value)


class _Client:
    """Asks for a path of a port on this machine, each time over a new connection."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
        self.answers: list[tuple[float, float, str, bool]] = []

    async def ask(self) -> None:
        began = time.monotonic()
        try:
            status, headers = _parsed(await asyncio.wait_for(self._answer(), LONGEST_ANSWER_SECONDS))
            said, is_good = headers.get("x-release", ""), status == "200"
            said = said if is_good else f"status {status}"
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            said, is_good = repr(error), False
        self.answers.append((began, time.monotonic(), said, is_good))

    async def _answer(self) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(self._request)
            return await reader.read()
        finally:
            writer.close()

    def gap(self) -> float:
        ends = sorted(end for _, end, _, is_good in self.answers if is_good)
        return max((after - before for before, after in zip(ends, ends[1:], strict=False)), default=0.0)


def _parsed(answer: bytes) -> tuple[str, dict[str, str]]:
    """Status and headers of a whole answer. Raise ValueError if it is none."""
    head, mark, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if not mark or not first.startswith("HTTP/1.") or len(body) != int(headers.get("content-length", -1)):
        raise ValueError(f"not a whole answer: {answer[:200]!r}")
    return first.split(" ")[1], headers


async def _control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    writer.close()


async def _drive(client: _Client, control: _Client, rate: int, ended: threading.Event) -> None:
    began, number, asking = time.monotonic(), 0, []
    while not ended.is_set() and time.monotonic() - began < LONGEST_SECONDS:
        asking += [asyncio.create_task(one.ask()) for one in (client, control)]
        number += 1
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
    await asyncio.gather(*asking)


async def _measure(port: int, path: str, rate: int) -> dict[str, object]:
    server = await asyncio.start_server(_control, "127.0.0.1", 0)
    client, control = _Client(port, path), _Client(server.sockets[0].getsockname()[1], "/")
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print("ready", flush=True)
    await _drive(client, control, rate, ended)
    answers = sorted(client.answers)
    return {
        "sent": len(answers),
        "failures": [said for _, _, said, is_good in answers if not is_good],
        "releases": [said for _, _, said, is_good in answers if is_good],
        "gap": client.gap(),
        "control_gap": control.gap(),
    }


def main() -> None:
    """Send until standard input ends."""
    print(json.dumps(asyncio.run(_measure(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))


if __name__ == "__main__":
    main()
