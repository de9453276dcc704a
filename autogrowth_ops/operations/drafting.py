"""A release as this machine makes it, from its source and env/, before any host was looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ..commands import host as words
from ..errors import UsageError
from ..model.environment import Host
from ..model.plan import RenderedFile
from ..model.release import Release, Version, release_id
from ..model.stack import datastores, without_passwords
from ..model.then import services_of
from ..render import ANY_RELEASE, Renderer, digest
from ..session import Session
from . import passwords


@dataclass(frozen=True)
class Draft:
    """A new release as this machine sees it, before a host was looked at; files are by host name."""

    release: Release
    files: Mapping[str, tuple[RenderedFile, ...]]
    stack: Mapping[str, tuple[RenderedFile, ...]]


def draft_of(session: Session, version: Version, known: Release | None = None) -> Draft:
    """The draft of a version, as a new release or as one that is known; of the latter the files as of today.

    Raise UsageError if no host is to have it, ConfigError if a template cannot be used."""
    environment = session.environment
    renderer = Renderer(environment, session.root)
    hosts = [environment.hosts[name] for name in session.remotes]
    app = [host for host in hosts if host.is_app()]
    if not app:
        raise UsageError(f"env/{environment.name}.yml: none of the chosen hosts has the role app")
    release = known or _new_release(session, app, version)
    files = {host.name: _files(renderer, release, host) for host in app}
    return Draft(release, files, {host.name: renderer.stack(host) for host in hosts})


def _new_release(session: Session, app: list[Host], version: Version) -> Release:
    environment = session.environment
    now = session.clock.now()
    anyone = replace(version, commit="", ref="", subject="")
    plain = Renderer(without_passwords(environment), session.root)
    every = [file for host in app for file in plain.release(ANY_RELEASE, anyone, host)]
    dockerfile = next((file.text for file in every if file.path == "Dockerfile"), environment.app.dockerfile)
    migrate = environment.app.migrate
    new_id = release_id(now, version)
    return Release(
        id=new_id,
        version=version,
        build_hash=digest((), version.tree, dockerfile),
        config_hash=digest(_unique(every)),
        created_at=_iso(now),
        created_by=session.who,
        image=f"{environment.project}:{new_id}",
        image_id=words.IMAGE_ID,
        migration_hash=session.source.hash_of(version.tree, migrate.paths) if migrate else "",
        public=environment.app.public_service(),
        services=services_of(environment),
        passwords=passwords.wanted(environment),
        secret_variables=passwords.secret_variables(environment),
        stores=datastores(environment),
        timings={words.TIMINGS: 0},
    )


def _unique(files: list[RenderedFile]) -> list[RenderedFile]:
    return list({(file.path, file.text): file for file in files}.values())


def _files(renderer: Renderer, release: Release, host: Host) -> tuple[RenderedFile, ...]:
    rendered = renderer.release(release.id, release.version, host)
    renderer.require_rules(rendered, release.id)
    started = replace(release, state="started", image_id="", timings={})
    return (*rendered, RenderedFile("release.json", started.to_json() + "\n"))


def _iso(now: datetime) -> str:
    return re.sub(r"\.\d+", "", now.isoformat()).replace("+00:00", "Z")
