"""Measures a deploy against the bare work on the same host, in turn, and prints both and their ratio.

Bare work: build the changed layer, start as many containers with the same limits, first healthy answer of each, stop
the old ones; by one script on the host, without SSH. A deploy is over when the new release serves and is recorded: the
old one has then its `stream_close_seconds` for what is in flight, and stops by itself behind that. Run: .venv/bin/python bench/deploy.py [--runs 5] [--keep]"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from hosts.far import behind_relay  # noqa: E402
from hosts.project import Project, make_project  # noqa: E402

from autogrowth_ops.model.environment import Host  # noqa: E402
from autogrowth_ops.remote import FabricRemote  # noqa: E402
from autogrowth_ops.sandbox import hosts as sandbox  # noqa: E402

APP = "bench-app"
BARE = r"""
set -eu
cd {base}
now() {{ date +%s%3N; }}
image=bare:$1 old=$(docker ps --quiet --filter label=bare)
begun=$(now)
docker build --quiet --tag "$image" --file bare.Dockerfile bare-source >/dev/null
built=$(now)
for number in 1 2; do
  docker run --detach --label bare --network {project} --env-file bare.env --cpus 0.5 --memory 1g "$image" >/tmp/bare-$number &
done
wait
started=$(now)
for number in 1 2; do
  address=$(docker inspect --format '{{{{range .NetworkSettings.Networks}}}}{{{{.IPAddress}}}}{{{{end}}}}' "$(cat /tmp/bare-$number)")
  until [ "$(curl --silent --output /dev/null --write-out '%{{http_code}}' "http://$address:8000/health")" = 200 ]; do sleep 0.02; done
done
healthy=$(now)
[ -z "$old" ] || docker stop $old >/dev/null
stopped=$(now)
[ -z "$old" ] || docker rm $old >/dev/null
printf '{{"build": %s, "start": %s, "healthy": %s, "stop": %s, "all": %s}}\n' \
  $((built - begun)) $((started - built)) $((healthy - started)) $((stopped - healthy)) $((stopped - begun))
"""


def seconds(action: Callable[[], object]) -> float:
    """How long the action took."""
    began = time.monotonic()
    action()
    return time.monotonic() - began


class Bench:
    """One sandbox host with the example on it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        project.inv("sandbox.up", "--env=sandbox")
        project.inv("deploy", "--env=sandbox", "--skip-tests")
        self.number = 0
        host = sandbox.find(f"{APP}-sandbox")[0]
        self.host = host
        self.remote = FabricRemote(
            Host(name=host.name, address=host.address, user=host.user, port=host.port,
                 identity_file=str(host.identity_file), known_hosts=str(host.known_hosts)), 10)  # fmt: skip
        self.release = str(project.json("deploy", "--env=sandbox", "--skip-tests")["release"])
        self._prepare_bare()

    def _prepare_bare(self) -> None:
        base = f"/srv/{APP}/sandbox"
        self.base = base
        self._run(f"cd {base} && rm -rf bare-source && cp -a source bare-source && cp releases/{self.release}/Dockerfile bare.Dockerfile && docker inspect --format "
                  f"'{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' {APP}-sandbox-{self.release}-web-1 >bare.env")  # fmt: skip

    def _run(self, script: str) -> str:
        outcome = self.remote.run(script, timeout_seconds=300)
        assert outcome.exit_code == 0, outcome
        return outcome.stdout

    def settle(self) -> None:
        """Wait until what was replaced has stopped: what is measured next has the machine for itself."""
        self._run(f"while ls {self.base}/releases/*/retires; do sleep 0.2; done >/dev/null 2>&1; sleep 0.3")

    def bare(self) -> dict[str, int]:
        """Milliseconds of the bare work after a change."""
        self.settle()
        self.number += 1
        self._run(f"echo '# bare {self.number}' >>{self.base}/bare-source/main.py")
        script = BARE.format(base=self.base, project=f"{APP}-sandbox")
        text = self._run(f"set -- {self.number}\n{script}").strip().splitlines()[-1]
        found: dict[str, int] = json.loads(text)
        return found

    def clean(self) -> None:
        """Take away what the bare work left."""
        self._run("docker rm --force $(docker ps --all --quiet --filter label=bare) >/dev/null 2>&1; true")

    def _change(self) -> None:
        self.number += 1
        with (self.project.source / "main.py").open("a") as file:
            file.write(f"# change {self.number}\n")
        self.project.commit()

    def changed(self) -> float:
        """Seconds of a code-change deploy."""
        self._change()
        self.settle()
        return seconds(lambda: self.project.inv("deploy", "--env=sandbox", "--skip-tests"))

    def unchanged(self) -> float:
        """Seconds of a deploy that changes nothing."""
        self.settle()
        return seconds(lambda: self.project.inv("deploy", "--env=sandbox", "--skip-tests"))

    def rollback(self) -> float:
        """Seconds of a rollback to a stopped release."""
        self.settle()
        return seconds(lambda: self.project.inv("rollback", "--env=sandbox"))

    def keep_warm(self) -> None:
        """From now on what is replaced keeps running for a while."""
        yml = self.project.root / "env" / "sandbox.yml"
        yml.write_text(yml.read_text() + "\npolicies: {warm_minutes: 10}\n")

    def warm_rollback(self) -> float:
        """Seconds of a rollback to a release that still runs, from the first look at the host to the end."""
        self._change()
        self.project.inv("deploy", "--env=sandbox", "--skip-tests")
        time.sleep(2)
        return float(str(self.project.json("rollback", "--env=sandbox")["seconds"]))


def row(name: str, values: Sequence[float], budget: str = "") -> None:
    """One line of the table: minimum, median, maximum."""
    print(f"{name:<52} {min(values):6.2f} {statistics.median(values):6.2f} {max(values):6.2f}  {budget}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--slower-start", type=float, default=0.0, help="seconds added to the application's own start")
    parser.add_argument("--keep", action="store_true", help="keep the sandbox host")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder) / "project", APP, as_shipped=True)
        if options.slower_start:
            main_file = project.source / "main.py"
            future = "from __future__ import annotations\n"
            main_file.write_text(
                main_file.read_text().replace(future, f"{future}import time; time.sleep({options.slower_start})\n", 1)
            )
            project.commit()
        bench = Bench(project)
        try:
            measure(bench, options.runs)
        finally:
            bench.clean()
            if not options.keep:
                bench.project.inv("sandbox.down", "--env=sandbox")


def measure(bench: Bench, runs: int) -> None:
    """Every figure, deploy and bare work in turn."""
    bench.bare()
    bench.bare()
    bench.changed()
    deploys, bares = [], []
    for _ in range(runs):
        bares.append(bench.bare())
        deploys.append(bench.changed())
    work = [bare["all"] / 1000 for bare in bares]
    starts = [(bare["start"] + bare["healthy"]) / 1000 for bare in bares]
    rollbacks = [bench.rollback() for _ in range(min(runs, 4))]
    bench.changed()
    print(f"{'seconds':<52} {'min':>6} {'median':>6} {'max':>6}")
    row("bare work on the host", work)
    for part in ("build", "start", "healthy", "stop"):
        row(f"  of which {part}", [bare[part] / 1000 for bare in bares])
    row("deploy of a code change", deploys)
    row("  ratio to the bare work, pair by pair", [a / b for a, b in zip(deploys, work, strict=True)], "at most 1.4")
    without_stop = [(bare["all"] - bare["stop"]) / 1000 for bare in bares]
    row("  ratio to it without stopping the old", [a / b for a, b in zip(deploys, without_stop, strict=True)])
    row("deploy that changes nothing", [bench.unchanged() for _ in range(runs)], "at most 1.0")
    start = statistics.median(starts)
    row("rollback to a stopped release", rollbacks, f"at most {1.2 * start + 0.5:.2f} (1.2 x start {start:.2f} + 0.5)")
    with behind_relay(bench.host, 0.05):
        row("deploy that changes nothing, 100 ms round trip", [bench.unchanged() for _ in range(runs)], "at most 1.5")
        row("deploy of a code change, 100 ms round trip", [bench.changed() for _ in range(min(runs, 3))])
    bench.keep_warm()
    row("rollback to a warm release, once started", [bench.warm_rollback() for _ in range(runs)], "at most 1.0")


if __name__ == "__main__":
    main()
