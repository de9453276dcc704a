"""The daily checklist: items as data, and how each is judged from what was seen. What was not read never passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from .check import Check, Verdict
from .environment import Environment
from .observation import Observation
from .release import container_label
from .sizes import written_size
from .texts import Language, text

SLOW_MILLISECONDS = 2000
STOPPING_SECONDS = 60  # what was replaced may take to end its work
BACKUP_LIMIT_SECONDS = 26 * 3600
LOG_LIMIT_BYTES = 100 * 2**20


@dataclass(frozen=True)
class LogState:
    """What one container logged in the last day."""

    container: str
    size_bytes: int
    lines: int
    errors: int


@dataclass(frozen=True)
class BackupState:
    """One backup on the host; `at` in UTC seconds."""

    path: str
    size_bytes: int
    at: float


@dataclass(frozen=True)
class Seen:
    """What was read from one host; None or missing where it could not be read."""

    host: str
    is_app: bool
    is_data: bool
    now: datetime
    system: Mapping[str, float] = field(default_factory=dict)
    health: tuple[Check, ...] = ()
    logs: tuple[LogState, ...] | None = None
    backups: tuple[BackupState, ...] | None = None
    observed: Observation | None = None
    image_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """One item on one host: the value that was seen and the limit it was held against, both as people read them."""

    host: str
    item: str
    verdict: Verdict
    value: str
    limit: str = ""


@dataclass(frozen=True)
class Item:
    """One line of the checklist; `judge` gives None for a host the item does not concern."""

    name: str
    titles: Mapping[Language, str]
    judge: Callable[[Seen, Environment], tuple[Verdict, str, str] | None]


def _not_seen(environment: Environment) -> tuple[Verdict, str, str]:
    return "failed", text(environment.language, "not read"), ""


def _share(key: str, limit: int) -> Callable[[Seen, Environment], tuple[Verdict, str, str]]:
    def judge(seen: Seen, environment: Environment) -> tuple[Verdict, str, str]:
        if key not in seen.system:
            return _not_seen(environment)
        value = seen.system[key]
        return ("warning" if value > limit else "passed", f"{value:.0f} %", f"{limit} %")

    return judge


def _api(seen: Seen, environment: Environment) -> tuple[Verdict, str, str] | None:
    if not seen.is_app or not environment.app.public_service():
        return None
    check = next((check for check in seen.health if check.name == "api"), None)
    if check is None or check.milliseconds is None:
        return _not_seen(environment)
    slow = check.milliseconds > SLOW_MILLISECONDS
    verdict: Verdict = "failed" if check.verdict == "failed" else ("warning" if slow else "passed")
    return (
        verdict,
        f"{check.milliseconds} ms" if check.verdict == "passed" else check.details,
        f"200, {SLOW_MILLISECONDS} ms",
    )


def _replicas(seen: Seen, environment: Environment) -> tuple[Verdict, str, str] | None:
    if not seen.is_app:
        return None
    checks = [check for check in seen.health if check.name.startswith("replica")]
    good = [check for check in checks if check.verdict == "passed"]
    wanted = sum(service.replicas for service in environment.app.services.values())
    return "passed" if len(good) == wanted == len(checks) else "failed", str(len(good)), str(wanted)


def _store(name: str) -> Callable[[Seen, Environment], tuple[Verdict, str, str] | None]:
    def judge(seen: Seen, environment: Environment) -> tuple[Verdict, str, str] | None:
        if not seen.is_data or getattr(environment.stack, name) is None:
            return None
        check = next((check for check in seen.health if check.name == name), None)
        if check is None:
            return _not_seen(environment)
        return check.verdict, f"{check.milliseconds} ms" if check.verdict == "passed" else check.details, ""

    return judge


def _logs(seen: Seen, environment: Environment) -> tuple[Verdict, str, str]:
    if seen.logs is None or not seen.logs:
        return _not_seen(environment)
    errors = sum(log.errors for log in seen.logs)
    size = sum(log.size_bytes for log in seen.logs)
    worst = max(seen.logs, key=lambda log: log.errors)
    key = "logged in" if errors else "logged"
    return (
        "warning" if errors or size > LOG_LIMIT_BYTES else "passed",
        text(environment.language, key, written_size(size), errors, container_label(worst.container)),
        text(environment.language, "log limit", written_size(LOG_LIMIT_BYTES)),
    )


def _backups(seen: Seen, environment: Environment) -> tuple[Verdict, str, str] | None:
    if not seen.is_data or not (environment.stack.postgres or environment.stack.redis):
        return None
    if seen.backups is None:
        return _not_seen(environment)
    language, limit = environment.language, BACKUP_LIMIT_SECONDS // 3600
    if not seen.backups:
        return "failed", text(language, "no backup"), text(language, "hours", limit)
    newest = seen.backups[-1]
    age = seen.now.astimezone(timezone.utc).timestamp() - newest.at
    good = age <= BACKUP_LIMIT_SECONDS and newest.size_bytes > 0
    return (
        "passed" if good else "failed",
        text(language, "backups", len(seen.backups), written_size(newest.size_bytes), f"{age / 3600:.1f}"),
        text(language, "backup limit", limit),
    )


def _release(seen: Seen, environment: Environment) -> tuple[Verdict, str, str] | None:
    if not seen.is_app:
        return None
    if seen.observed is None:
        return _not_seen(environment)
    problems = drift(seen.observed, environment, seen.image_ids)
    serving = seen.observed.serving()
    return (
        "failed" if problems else "passed",
        "; ".join(problems) or str(serving),
        text(environment.language, "as recorded"),
    )


def drift(observed: Observation, environment: Environment, image_ids: Mapping[str, str]) -> tuple[str, ...]:
    """How what runs differs from the record of the serving release. `image_ids` are by container id."""
    language, serving = environment.language, observed.serving()
    release = observed.release(serving)
    if release is None:
        return (text(language, "no record", serving) if serving else text(language, "no release"),)
    found = [] if observed.current == release.id else [text(language, "two names", observed.current, release.id)]
    running = observed.running(release.id)
    for name, service in environment.app.services.items():
        if running.get(name, 0) != service.replicas:
            found.append(text(language, "replicas", name, running.get(name, 0), service.replicas))
    warm = {one for one, seconds in observed.retiring.items() if seconds > -STOPPING_SECONDS}
    others = {one.release for one in observed.containers if one.is_running} - {"", release.id} - warm
    found += [text(language, "beside", other) for other in sorted(others)]
    strange = [
        one.label
        for one in observed.containers
        if one.is_running
        and one.release == release.id
        and release.image_id
        and image_ids.get(one.id, release.image_id) != release.image_id
    ]
    return (*found, *(text(language, "other image", name) for name in strange))


ITEMS: Sequence[Item] = (
    Item("cpu", {"en": "processor", "ko": "프로세서"}, _share("cpu_percent", 80)),
    Item("memory", {"en": "memory", "ko": "메모리"}, _share("memory_percent", 80)),
    Item("disk", {"en": "disk", "ko": "디스크"}, _share("disk_percent", 90)),
    Item("inodes", {"en": "disk inodes", "ko": "디스크 아이노드"}, _share("inode_percent", 90)),
    Item("api", {"en": "API through the proxy", "ko": "API 응답 (프록시 경유)"}, _api),
    Item("replicas", {"en": "replicas that answer", "ko": "응답하는 복제본"}, _replicas),
    Item("postgres", {"en": "database connection", "ko": "데이터베이스 연결"}, _store("postgres")),
    Item("redis", {"en": "Redis", "ko": "Redis 연결"}, _store("redis")),
    Item("logs", {"en": "log files", "ko": "로그 파일"}, _logs),
    Item("backups", {"en": "backups", "ko": "백업"}, _backups),
    Item("release", {"en": "release as recorded", "ko": "릴리스 기록 일치"}, _release),
)


def judge(seen: Seen, environment: Environment) -> tuple[Result, ...]:
    """A result for every item that concerns the host, in the order of ITEMS."""
    found = []
    for item in ITEMS:
        judged = item.judge(seen, environment)
        if judged:
            found.append(Result(seen.host, item.name, *judged))
    return tuple(found)


def counts(results: Iterable[Result]) -> dict[Verdict, int]:
    """How many passed, warned and failed."""
    found: dict[Verdict, int] = {"passed": 0, "warning": 0, "failed": 0}
    for result in results:
        found[result.verdict] += 1
    return found
