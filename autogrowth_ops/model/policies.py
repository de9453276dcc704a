"""How deploys behave, and who hears of them: a part of the schema of `env/<name>.yml`, see `environment`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from .annotations import Doc, Interval
from .written import Seconds, Size


@dataclass(frozen=True, kw_only=True)
class Policies:
    """How deploys behave."""

    warm_minutes: Annotated[
        int,
        Interval(ge=0, le=10_080),
        Doc("how long the replaced release keeps running, so that a rollback is only a switch of the proxy"),
    ] = 0
    bake_seconds: Annotated[
        int,
        Interval(ge=0, le=3600),
        Doc("how long a new release is watched through the proxy behind the switch; if it is worse, it is taken back"),
    ] = 0
    bake_error_percent: Annotated[
        float,
        Interval(ge=0, le=100),
        Doc("share of answers with a status of 500 or more that is worse, unless the release before had as many"),
    ] = 1.0
    bake_slowdown: Annotated[
        float,
        Interval(ge=1, le=1000),
        Doc("how many times the 95th percentile of the release before is worse, if that is 50 ms more at least"),
    ] = 2.0
    keep_releases: Annotated[
        int, Interval(ge=2, le=100), Doc("good releases kept on a host, the serving one included")
    ] = 5
    at_once: Annotated[
        int, Interval(ge=1, le=100), Doc("app hosts changed at the same time, after the first alone")
    ] = 2
    migrate_down: Annotated[
        Literal["never", "on_rollback"],
        Doc("whether a rollback over migrations takes them back with `app/migrate/down`, and with them what they hold"),
    ] = "never"
    on_failure: Annotated[
        Literal["rollback_all", "halt"],
        Doc("when an app host fails: `rollback_all` takes all back to what they had, `halt` only those not done"),
    ] = "rollback_all"
    build_timeout_seconds: Annotated[Seconds, Doc("how long building the image may take")] = 1800
    connect_timeout_seconds: Annotated[Seconds, Doc("how long opening an SSH connection may take")] = 10
    min_disk_free: Annotated[Size, Doc("free disk below which nothing is deployed")] = "1GiB"
    max_clock_skew_seconds: Annotated[Seconds, Doc("difference to this machine's clock that is refused")] = 5


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """Commands of the project that hear of deploys, run on the machine that deploys, in the project's folder."""

    before_deploy: Annotated[tuple[str, ...], Doc("words run before a deploy begins; if they fail it does not")] = ()
    after_deploy: Annotated[tuple[str, ...], Doc("words run when a deploy is done")] = ()
    after_rollback: Annotated[tuple[str, ...], Doc("words run when a rollback is done")] = ()
    on_failure: Annotated[
        tuple[str, ...], Doc("words run when a deploy or rollback failed, was interrupted, or needs a person")
    ] = ()
    timeout_seconds: Annotated[Seconds, Doc("how long each may take; then it is ended, with all it started")] = 30
