"""The steps that change the database's schema; which of them a change needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..commands import host as words
from ..model.environment import Environment, Host, Migrate
from ..model.plan import Step
from ..model.release import Release, have_same_migrations
from ..model.then import as_of
from .request import Change


@dataclass(frozen=True)
class Migrations:
    """What one change means for the schema; the environment is as the release knew it."""

    environment: Environment
    change: Change

    def up(self, host: Host) -> Iterator[Step]:
        """Migrate the database, where the migrations are not those that ran already; never on the way back."""
        migrate, release = self.environment.app.migrate, self.change.release
        old = self.change.old_release(host.name)
        is_back = not self.change.is_new and old is not None and release.id <= old.id
        if not migrate or is_back or (old and have_same_migrations(old, release)):
            return
        yield Step(
            host.name,
            "migrate",
            "migrate the database",
            words.migrate(release.id, migrate.timeout_seconds, _service(self.environment, migrate), migrate.command),
            undo=("end_migration", release.id),
            timeout_seconds=_limit(migrate),
        )

    def version(self, host: Host) -> Iterator[Step]:
        """Ask the older release, once it runs, how far its own migrations go."""
        migrate = self.environment.app.migrate
        if migrate and migrate.version and self._taken_back():
            service, limit = _service(self.environment, migrate), migrate.timeout_seconds
            do = words.migrate_version(self.change.release.id, limit, service, migrate.version)
            title = f"ask how far the migrations of {self.change.release.id} go"
            yield Step(host.name, "migrate-version", title, do, timeout_seconds=limit + 30)

    def down(self, host: Host) -> Iterator[Step]:
        """Take back the migrations of the release that was left, from its own image: the older does not know them."""
        migrate, left = self.environment.app.migrate, self._taken_back()
        if migrate and left:
            service = _service(as_of(self.environment, left), migrate)
            yield Step(
                host.name,
                "migrate-down",
                f"take back the migrations of {left.id}",
                words.migrate_down(self.change.release, left.id, migrate.timeout_seconds, (service, *migrate.down)),
                final=True,
                timeout_seconds=_limit(migrate),
            )

    def _taken_back(self) -> Release | None:
        is_wanted = self.environment.policies.migrate_down == "on_rollback"
        return self.change.left_behind(self.environment.app.migrate) if is_wanted else None


def _service(environment: Environment, migrate: Migrate) -> str:
    return migrate.service or environment.app.public_service() or next(iter(environment.app.services))


def _limit(migrate: Migrate) -> int:
    """Seconds for another one that still runs, and for its own."""
    return 2 * migrate.timeout_seconds + 60
