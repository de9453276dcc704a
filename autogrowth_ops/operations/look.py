"""Observe hosts and refuse those that are not fit, in one trip a host, before anything changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from ..errors import HostUnready, Serves
from ..model.environment import Environment
from ..model.observation import Facts, Observation
from ..model.release import ReleaseId
from ..model.sizes import size_bytes, written_size
from ..remote import Remote
from ..session import Session
from .asking import Missing, ask, ask_any, no_answer, why


def look(session: Session) -> tuple[dict[str, Observation], Missing]:
    """Every host as it is, by name, and those that give no answer. Raise HostError if none does."""
    return ask_any(session.remotes.values(), _eyes(session))


def observe(session: Session) -> dict[str, Observation]:
    """Every host that a deploy has to know, as it is, by name.

    A host without the application that gives no answer is told of and left out; raise HostError if an app host gives
    none."""
    found, missing = look(session)
    if any(session.remotes[name].host.is_app() for name in missing):
        raise no_answer(missing)
    for name in missing:
        session.note(f"warning: left as it is, it gives no answer: {why(name, missing)}", name)
    return found


def serving_now(session: Session, was: Mapping[str, ReleaseId | None]) -> tuple[Serves, ...]:
    """Who serves what, asked anew, of the hosts in `was`, which says what each served before."""
    found, missing = ask([session.remotes[name] for name in was], _eyes(session))
    return tuple(
        Serves(name, None, was[name], why(name, missing))
        if name in missing
        else Serves(name, found[name].serving(), was[name])
        for name in was
    )


def _eyes(session: Session) -> Callable[[Remote], Observation]:
    return lambda remote: session.engine.observe(remote, session.clock)


@contextmanager
def observing(session: Session) -> Iterator[Callable[[], dict[str, Observation]]]:
    """The hosts are looked at while the caller does something else; what is handed over waits for the outcome."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="observe")
    try:
        yield pool.submit(observe, session).result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def preflight(
    session: Session,
    observed: Mapping[str, Observation],
    changing: Collection[str] = (),
    builds: Mapping[str, int] | None = None,
) -> None:
    """Raise HostUnready naming every problem of every app host and of the `changing` ones; tell of those of others.

    `builds` is about how many bytes the image takes on each host that builds one; None: nothing is built, and a
    full disk keeps no older release from coming back."""
    problems: list[str] = []
    for name, one in observed.items():
        is_needed = session.remotes[name].host.is_app() or name in changing
        bearable = _disk_problems(one.facts, session.environment, 0) if builds is None else ()
        for problem in unfit(one.facts, session.environment, (builds or {}).get(name, 0)):
            if not is_needed:
                session.note(f"warning: left as it is, it is not fit: {problem}", name)
            elif problem in bearable:
                session.note(f"warning: {problem}", name)
            else:
                problems.append(f"{name}: {problem}")
    if problems:
        raise HostUnready("\n".join(problems))


def require_docker(session: Session, remote: Remote) -> None:
    """Raise HostUnready if Docker cannot be used there: then nothing runs that anybody could find. One trip."""
    refuse_without_docker(remote.host.name, session.engine.observe(remote, session.clock).facts, session.environment)


def refuse_without_docker(host: str, facts: Facts, environment: Environment) -> None:
    """Raise HostUnready, as a deploy would, if Docker does not answer on a host."""
    if not facts.docker_answers:
        raise HostUnready(f"{host}: {_docker_problems(facts, environment)[0]}")


def unfit(facts: Facts, environment: Environment, image_bytes: int = 0) -> tuple[str, ...]:
    """Why a host cannot be deployed to, and an image of about that size built there: each with what to do."""
    return (
        *_docker_problems(facts, environment),
        *_other_problems(facts, environment),
        *_disk_problems(facts, environment, image_bytes),
    )


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
    limit = environment.policies.max_clock_skew_seconds
    if abs(facts.clock_skew_seconds) > limit:
        way = "ahead of" if facts.clock_skew_seconds > 0 else "behind"
        problems.append(
            f"its clock is {abs(facts.clock_skew_seconds):.0f} s {way} this machine's, at most {limit} s are allowed; "
            "on the host: timedatectl set-ntp true"
        )
    return problems


def _disk_problems(facts: Facts, environment: Environment, image_bytes: int) -> list[str]:
    """An image takes no more than the one before, if all of its layers change."""
    wanted, free = environment.policies.min_disk_free, facts.disk_free_bytes
    for_images = free if facts.image_disk_free_bytes is None else facts.image_disk_free_bytes
    needed, hint = size_bytes(wanted), "free some: docker system df, docker builder prune"
    if free < needed:
        return [
            f"only {written_size(free)} free on the disk of {environment.folder}, "
            f"policies/min_disk_free is {wanted}; {hint}"
        ]
    if for_images < needed + image_bytes:
        image = f"an image takes about {written_size(image_bytes)}, and " if image_bytes else ""
        return [
            f"only {written_size(for_images)} free on the disk of Docker's images; {image}policies/min_disk_free, "
            f"{wanted}, is to stay free; {hint}"
        ]
    return []
