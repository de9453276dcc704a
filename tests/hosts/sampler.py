# ruff: noqa: PTH115, PTH119, PTH123, PTH208 - objects for paths would make each look take longer
"""Reads the command lines of all processes, those of containers too, and the environments of some, as fast as it can.

python sampler.py [PID...]    the first line of standard input is a JSON list of texts to look for, which never stand in a
                              command line; at its end prints what was found

Environments are those of this machine itself, and of the hosts that have one of the processes PID: what runs in containers
on them has its secrets there. A process that has run for a while is looked at less often: what lives shortly is what is
hard to see."""

import json
import os
import sys
import threading
import time

PAUSE_SECONDS = 0.005
YOUNG_SECONDS, OLD_PAUSE_SECONDS = 0.2, 0.2


def read(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:  # it has ended, or is the kernel's
        return b""


def namespace(process: str) -> str:
    try:
        return os.readlink(f"/proc/{process}/ns/pid")
    except OSError:
        return ""


class Sampler:
    """What was seen of all processes so far."""

    def __init__(self, needles: list[bytes]) -> None:
        self.needles, self.ours = needles, {namespace(process) for process in ("self", *sys.argv[1:])}
        self.first_seen: dict[str, float] = {}
        self.next_look: dict[str, float] = {}
        self.known: set[tuple[str, bytes]] = set()
        self.programs: set[str] = set()
        self.found: set[str] = set()

    def scan(self) -> None:
        now, there = time.monotonic(), [name for name in os.listdir("/proc") if name.isdigit()]
        for process in there:
            if now >= self.next_look.get(process, 0.0):
                self.look_at(process, now)
        for process in self.first_seen.keys() - set(there):
            del self.first_seen[process], self.next_look[process]

    def look_at(self, process: str, now: float) -> None:
        is_old = now - self.first_seen.setdefault(process, now) > YOUNG_SECONDS
        self.next_look[process] = now + OLD_PAUSE_SECONDS * is_old
        line = read(f"/proc/{process}/cmdline")
        if not line or (process, line) in self.known:
            return
        self.known.add((process, line))
        name = os.path.basename(line.split(b"\0")[0].decode(errors="replace"))[:80]
        self.programs.add(name)
        environment = read(f"/proc/{process}/environ") if namespace(process) in self.ours else b""
        for where, text in (("command line", line), ("environment", environment)):
            self.found |= {f"{where} of {name}" for one in self.needles if one in text}


def main() -> None:
    sampler = Sampler([text.encode() for text in json.loads(sys.stdin.readline())])
    sampler.scan()
    print("ready", flush=True)
    ended, scans = threading.Event(), 0
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.is_set():
        sampler.scan()
        scans += 1
        time.sleep(PAUSE_SECONDS)
    print(json.dumps({"scans": scans, "programs": sorted(sampler.programs), "found": sorted(sampler.found)}))


if __name__ == "__main__":
    main()
