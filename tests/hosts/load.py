"""A constant load over new connections, from a process of its own; with a control that shows the machine's own pauses.

python load.py PORT PATH RATE    until standard input ends; prints one JSON document"""

from __future__ import annotations

import http.client
import http.server
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


class _Control(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _Client:
    def __init__(self, port: int, path: str) -> None:
        self.port, self.path = port, path
        self.answers: list[tuple[float, float, str, bool]] = []

    def ask(self) -> None:
        began = time.monotonic()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
            connection.request("GET", self.path)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            said, is_good = answer.headers.get("X-Release", ""), answer.status == 200
            said = said if is_good else f"status {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            said, is_good = repr(error), False
        self.answers.append((began, time.monotonic(), said, is_good))

    def gap(self) -> float:
        ends = sorted(end for _, end, _, is_good in self.answers if is_good)
        return max((after - before for before, after in zip(ends, ends[1:], strict=False)), default=0.0)


def _drive(client: _Client, control: _Client, rate: int, ended: threading.Event) -> None:
    began, number, threads = time.monotonic(), 0, []
    while not ended.is_set() and time.monotonic() - began < LONGEST_SECONDS:
        for one in (client, control):
            thread = threading.Thread(target=one.ask)
            thread.start()
            threads.append(thread)
        number += 1
        ended.wait(max(0.0, began + number / rate - time.monotonic()))
    for thread in threads:
        thread.join()


def main() -> None:
    """Send until standard input ends."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Control)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client, control = _Client(int(sys.argv[1]), sys.argv[2]), _Client(server.server_address[1], "/")
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print("ready", flush=True)
    _drive(client, control, int(sys.argv[3]), ended)
    answers = sorted(client.answers)
    print(
        json.dumps(
            {
                "sent": len(answers),
                "failures": [said for _, _, said, is_good in answers if not is_good],
                "releases": [said for _, _, said, is_good in answers if is_good],
                "gap": client.gap(),
                "control_gap": control.gap(),
            }
        )
    )


if __name__ == "__main__":
    main()
