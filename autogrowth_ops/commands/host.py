"""Words for the functions of `library/`, and the parsers of what the reading ones print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from ..model.environment import Service
from ..model.observation import MIGRATION, STALE_LOCK_SECONDS, Container, Facts, Lock, Observation
from ..model.plan import Command
from ..model.policies import Policies
from ..model.release import Release, ReleaseId, parse_release

IMAGE_ID = "@IMAGE_ID@"
TIMINGS = "@TIMINGS@"


def observe() -> Command:
    """Read everything a plan depends on; changes nothing."""
    return ("observe",)


def in_section(name: str, words: Command) -> Command:
    """The words as a framed section."""
    return ("section", name, *words)


def reading(name: str, words: Command) -> Command:
    """The words as a framed section that reads from the script's standard input."""
    return ("reading", name, *words)


def in_step(name: str, words: Command) -> Command:
    """The words as an audited step that ends the script when it fails."""
    return ("step", name, *words)


def in_undo(name: str, words: Command) -> Command:
    """The words as an audited step of an undo, which goes on whatever comes of it."""
    return ("attempt", name, *words)


def show(*paths: str) -> Command:
    """Contents of files that may not be there."""
    return ("show", *paths)


def take_lock(lock: Lock) -> Command:
    """Take the environment's lock, or end with exit code 6 if somebody has it who was heard of lately."""
    return ("take_lock", _owner(lock), str(STALE_LOCK_SECONDS))


def _owner(lock: Lock) -> str:
    kept = {key: value for key, value in asdict(lock).items() if key != "silent_seconds"}
    return json.dumps(kept, ensure_ascii=False)


def build(seconds: int, image: str, dockerfile: str) -> Command:
    """Build the image from the source on the host."""
    return ("build", str(seconds), image, dockerfile)


def parse_build_failure(text: str) -> str:
    """The last line of the failing instruction, which BuildKit repeats between two lines of dashes; else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fences = [number for number, line in enumerate(lines) if set(line) == {"-"}]
    said = lines[fences[0] + 2 : fences[1]] if len(fences) > 1 else []
    return re.sub(r"^\d+\.\d+ ", "", (said or lines or ["no output"])[-1])


def tag_image(source: str, target: str) -> Command:
    """Another name for an image that is there."""
    return ("docker", "tag", source, target)


def postgres_password(user: str, verifier: str) -> str:
    """SQL that gives a role another password."""
    return f"ALTER ROLE \"{user}\" PASSWORD '{verifier}';\n"


def migrate(release: str, seconds: int, service: str, words: Command) -> Command:
    """Run the migrations once in a container of the new image."""
    return ("migrate", release, str(seconds), service, *words)


def migrate_version(release: str, seconds: int, service: str, words: Command) -> Command:
    """Ask a release that runs how far its migrations go."""
    return ("migrate_version", release, str(seconds), service, *words)


def migrate_down(target: Release, left: str, seconds: int, words: Command) -> Command:
    """Run `words`, a service and its command, in a container of the release that was left, which learns how far."""
    told = (
        "MIGRATE_TO_VERSION",
        f"MIGRATE_TO_RELEASE={target.id}",
        f"MIGRATE_TO_COMMIT={target.version.commit}",
    )
    options = (word for variable in told for word in ("--env", variable))
    return ("migrate_down", target.id, left, str(seconds), *options, *words)


def migrations_of(release: str) -> Command:
    """The end of what the migrations of a release printed."""
    return ("migrations_of", release)


def wait_ready(release: str, services: Mapping[str, Service]) -> Command:
    """Wait until every replica of each service runs and answers 200, each service within its own limit."""
    return ("wait_ready", release, *(_awaited(name, service) for name, service in services.items()))


def retire(release: str, seconds: int, services: Iterable[str]) -> Command:
    """Stop a release behind the script's end: these services after so many seconds, all others at once."""
    return ("retire", release, str(seconds), *services)


def wait_listening(release: str, services: Mapping[str, Service], seconds: int) -> Command:
    """Wait until every replica answers anything at all, at most so many seconds."""
    patient = {name: replace(one, start_timeout_seconds=seconds) for name, one in services.items()}
    return ("wait_listening", *wait_ready(release, patient)[1:])


def _awaited(name: str, service: Service) -> str:
    asked = f"{service.port}:{service.health_path}" if service.port else ":"
    return f"{name}:{service.start_timeout_seconds}:{asked}"


def verify(release: str, seconds: int, through_proxy: Sequence[str]) -> Command:
    """Ask the proxy until this release answers, three times in one run of curl: a fragment is never sent."""
    *options, url = through_proxy
    return ("verify", release, str(seconds), *options, f"{url}#[1-3]")


def bake(release: str, old: str, policies: Policies, path: str, through_proxy: Sequence[str]) -> Command:
    """Watch a release through the proxy against the one before; `path` is what monitors ask."""
    limits = (policies.bake_seconds, policies.bake_error_percent, policies.bake_slowdown)
    return ("bake", release, old, *(f"{limit:g}" for limit in limits), path, *through_proxy)


def record(release: Release) -> Command:
    """Write the record of a good release; the host fills in the image's id and the timings."""
    good = replace(release, state="good", reason="")
    return ("record", release.id, good.to_json())


def parse_observation(host: str, found: Mapping[str, tuple[int, str]], our_clock: float) -> Observation:
    """An observation from the sections that `observe` printed. `our_clock` is UTC seconds when they arrived."""
    releases, unreadable = _releases(found["releases"][1])
    images = found["images"][1].splitlines() if found["images"][0] == 0 else []
    return Observation(
        host=host,
        facts=_facts(found, our_clock),
        current=ReleaseId(found["current"][1].strip()) if found["current"][1].strip() else None,
        releases=releases,
        containers=tuple(map(_container, _json_lines(found["containers"][1]))) if found["containers"][0] == 0 else (),
        images=tuple(line.split()[0] for line in images),
        image_bytes=max((_docker_size(line.split()[-1]) for line in images), default=0),
        lock=parse_lock(found["lock"][1], found["lock_silence"][1]),
        leftovers=tuple(found["leftovers"][1].split()),
        retiring={name: int(left) for name, left in map(str.split, found["retiring"][1].splitlines())},
        stack_hash=found["stack_hash"][1].strip(),
        source_tree=found["source_tree"][1].strip(),
        passwords=found["passwords"][1].strip(),
        proxied=found["proxied"][1].strip(),
        unreadable=unreadable,
    )


def _json_lines(text: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _facts(found: Mapping[str, tuple[int, str]], our_clock: float) -> Facts:
    seen = _pairs(found["facts"][1])
    tools = tuple(line[5:] for line in found["facts"][1].splitlines() if line.startswith("tool="))
    plugins = tuple(line[7:] for line in found["facts"][1].splitlines() if line.startswith("plugin="))
    return Facts(
        user=seen.get("user", ""),
        has_docker="has_docker" in seen,
        can_use_docker="can_use_docker" in seen,
        docker_answers=found["containers"][0] == 0,
        has_compose="compose" in plugins,
        has_buildx="buildx" in plugins,
        has_tools=tools,
        is_folder_writable="is_folder_writable" in seen,
        disk_free_bytes=int(seen.get("disk_free_kib", 0)) * 1024,
        disk_size_bytes=int(seen.get("disk_size_kib", 0)) * 1024,
        image_disk_free_bytes=int(seen["image_disk_free_kib"]) * 1024 if "image_disk_free_kib" in seen else None,
        clock_skew_seconds=round(int(seen["clock"]) / 1000 - our_clock, 3) if "clock" in seen else 0.0,
    )


def _docker_size(text: str) -> int:
    """Bytes of a size as Docker writes it, such as `1.02GB`; 0 if it is none."""
    found = re.fullmatch(r"([0-9.]+)([kMGT]?)B", text)
    return int(float(found[1]) * 1000 ** " kMGT".index(found[2] or " ")) if found else 0


def _releases(text: str) -> tuple[tuple[Release, ...], tuple[str, ...]]:
    good, bad = [], []
    for line in filter(None, text.splitlines()):
        try:
            good.append(parse_release(line))
        except ValueError as error:
            bad.append(str(error))
    return tuple(sorted(good, key=lambda release: release.id)), tuple(bad)


def _container(row: Mapping[str, str]) -> Container:
    labels = dict(pair.split("=", 1) for pair in row["Labels"].split(",") if "=" in pair)
    is_migration = row["Names"] == f"{labels.get('autogrowth.project')}-{MIGRATION}"
    return Container(
        id=row["ID"],
        name=row["Names"],
        project=labels.get("com.docker.compose.project", ""),
        service=MIGRATION if is_migration else labels.get("com.docker.compose.service", ""),
        release=labels.get("autogrowth.release", ""),
        state=row["State"],
        status=row["Status"],
        image=row["Image"],
        created_at=row["CreatedAt"],
    )


def parse_lock(text: str, silence: str = "") -> Lock | None:
    """Who holds the lock, and for how many seconds nothing was heard of them; None if there is none."""
    if not text.strip():
        return None
    silent = int(silence) if silence.strip().isdigit() else 0
    try:
        raw = json.loads(text.strip("\n").split("\n")[-1])
        return Lock(
            owner=str(raw["owner"]),
            host=str(raw["host"]),
            pid=int(raw["pid"]),
            since=str(raw["since"]),
            what=str(raw["what"]),
            silent_seconds=silent,
        )
    except (ValueError, KeyError, TypeError):
        return Lock(what="its owner.json cannot be read", silent_seconds=silent)
