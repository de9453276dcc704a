"""Observe hosts and refuse those that are not fit, in one trip a host, before anything changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from ..errors import HostUnready
from ..model.environment import Environment
from ..model.observation import Facts, Observation
from ..model.sizes import size_bytes, written_size
from ..remote import Remote, on_hosts
from ..session import Session


def observe(session: Session) -> dict[str, Observation]:
    """Every host as it is, by name."""

    def look(remote: Remote) -> Observation:
        return session.engine.observe(remote, session.clock)

    found = on_hosts(tuple(session.remotes.values()), look, at_once=len(session.remotes))
    return {host.name: observation for host, observation in found.items()}


@contextmanager
def observing(session: Session) -> Iterator[Callable[[], dict[str, Observation]]]:
    """The hosts are looked at while the caller does something else; what is handed over waits for the outcome."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="observe")
    try:
        yield pool.submit(observe, session).result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def preflight(session: Session, observed: Mapping[str, Observation]) -> None:
    """Raise HostUnready naming every problem of every host."""
    problems = [
        f"{name}: {problem}" for name, one in observed.items() for problem in unfit(one.facts, session.environment)
    ]
    if problems:
        raise HostUnready("\n".join(problems))


def require_docker(session: Session, remote: Remote) -> None:
    """Raise HostUnready if Docker cannot be used there: then nothing runs that anybody could find. One trip."""
    refuse_without_docker(remote.host.name, session.engine.observe(remote, session.clock).facts, session.environment)


def refuse_without_docker(host: str, facts: Facts, environment: Environment) -> None:
    """Raise HostUnready, as a deploy would, if Docker does not answer on a host."""
    if not facts.docker_answers:
        raise HostUnready(f"{host}: {_docker_problems(facts, environment)[0]}")


def unfit(facts: Facts, environment: Environment) -> tuple[str, ...]:
    """Why a host cannot be deployed to: each with what to do."""
    return (*_docker_problems(facts, environment), *_other_problems(facts, environment))


def _docker_problems(facts: Facts, environment: Environment) -> list[str]:
    setup = f"run: inv setup {environment.options}"
    if not facts.has_docker:
        return [f"Docker is not installed; {setup}"]
    if not facts.can_use_docker:
        return [
            f"user {facts.user} may not use Docker (no write permission on its socket); {setup}, "
            f"or on the host: sudo usermod -aG docker {facts.user}"
        ]
    if not facts.docker_answers:
        return [
            "the Docker daemon does not answer; on the host: sudo systemctl start docker, then: journalctl -u docker"
        ]
    missing = [name for name, there in (("Compose", facts.has_compose), ("buildx", facts.has_buildx)) if not there]
    return [f"Docker's {' and '.join(missing)} plugin is not installed; {setup}"] if missing else []


def _other_problems(facts: Facts, environment: Environment) -> list[str]:
    problems = [
        f"{tool} is not installed; run: inv setup {environment.options}"
        for tool in ("curl", "tar")
        if tool not in facts.has_tools
    ]
    if not facts.is_folder_writable:
        problems.append(
            f"{environment.folder} cannot be written by user {facts.user}; run: inv setup {environment.options}"
        )
    wanted = environment.policies.min_disk_free
    if facts.disk_free_bytes < size_bytes(wanted):
        problems.append(
            f"only {written_size(facts.disk_free_bytes)} free on the disk of {environment.folder}, "
            f"policies/min_disk_free is {wanted}; free some: docker system df, docker builder prune"
        )
    limit = environment.policies.max_clock_skew_seconds
    if abs(facts.clock_skew_seconds) > limit:
        way = "ahead of" if facts.clock_skew_seconds > 0 else "behind"
        problems.append(
            f"its clock is {abs(facts.clock_skew_seconds):.0f} s {way} this machine's, at most {limit} s are allowed; "
            "on the host: timedatectl set-ntp true"
        )
    return problems
