"""Changes to plan from, shared by the tests of engines."""

from __future__ import annotations

from autogrowth_ops.engines.request import Change
from autogrowth_ops.model.environment import Environment
from autogrowth_ops.model.observation import Lock, Observation
from autogrowth_ops.model.plan import RenderedFile, SourceChange
from autogrowth_ops.model.release import Release
from tests.fakes import FIT, make_containers, make_release

OLDER = make_release("20261123-090000-0000001")
OLD = make_release("20261123-100000-0000002")
RELEASE = make_release("20261123-120000-0000003")
LOCK = Lock("kim", "laptop", 4711, "2026-11-23T12:00:00Z", f"deploy {RELEASE.id}")
FILES = (RenderedFile("compose.yml", "services: {}\n"),)


def serving(host: str = "app1", *, with_older: bool = False) -> Observation:
    """A fit host on which OLD serves; `with_older` has OLDER's containers too, stopped."""
    stopped = make_containers(OLDER.id, "exited", web=1) if with_older else ()
    return Observation(
        host=host,
        facts=FIT,
        current=OLD.id,
        releases=(OLDER, OLD),
        containers=(*make_containers(OLD.id, web=1), *stopped),
        images=(f"shop-production:{OLD.id}",),
        proxied=OLD.id,
    )


def make_change(
    environment: Environment,
    *observed: Observation,
    release: Release = RELEASE,
    is_new: bool = True,
    with_stack: bool = False,
    sources: bool = True,
) -> Change:
    """RELEASE, new and with another source, on hosts as observed; `with_stack` changes the stack of each too."""
    names = [one.host for one in observed]
    app = [name for name in names if is_new and environment.hosts[name].is_app()]
    return Change(
        release,
        LOCK,
        {one.host: one for one in observed},
        is_new=is_new,
        files=dict.fromkeys(app, FILES),
        stack=dict.fromkeys(names, FILES) if with_stack else {},
        stack_hashes=dict.fromkeys(names, "stack-hash"),
        sources=dict.fromkeys(app, SourceChange(release.version.tree)) if sources else {},
    )
