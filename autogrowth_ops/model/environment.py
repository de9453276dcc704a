"""What an environment is: the schema of `env/<name>.yml` as frozen data.

Every key's type, limits, default and meaning stand here once; the reader validates against them and the
reference in `docs/configuration.md` is generated from them. There is no `from __future__ import annotations` here: the
fields carry the annotations themselves, not texts that every command would have to evaluate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from .annotations import Doc, Filled, Interval, NotEmpty
from .policies import Hooks, Policies
from .secret import Secret
from .written import (
    ADDRESS,
    FILE,
    INSIDE,
    PRIVATE,
    RELATIVE,
    ROOT,
    SIZE,
    URL_PATH,
    USER,
    VARIABLE,
    Domain,
    Identifier,
    Image,
    Name,
    Seconds,
    SecretName,
    Size,
)

Role = Literal["app", "data"]
ROLES: tuple[Role, ...] = ("app", "data")
Port = Annotated[int, Interval(ge=1, le=65_535)]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one container may use."""

    memory: Annotated[Size, Doc("most memory a container gets, more and it is killed")] = "512MiB"
    cpus: Annotated[float, Interval(gt=0, le=1024), Doc("most processor time, in cores")] = 0.5
    reserved_memory: Annotated[str, SIZE.or_empty(), Doc("memory kept for it; empty reserves none")] = ""
    reserved_cpus: Annotated[float, Interval(ge=0, le=1024), Doc("cores kept for it; 0 reserves none")] = 0.0


@dataclass(frozen=True, kw_only=True)
class Host:
    """One server."""

    name: Annotated[str, Filled("from its key")] = ""
    address: Annotated[str, ADDRESS, Doc("IP address, DNS name, or an alias of your ssh_config")]
    user: Annotated[str, USER, Doc("who logs in over SSH; must be allowed to use Docker")] = "deploy"
    port: Annotated[Port, Doc("SSH port; an ssh_config alias may set it")] | None = None
    roles: Annotated[
        tuple[Role, ...],
        NotEmpty(),
        Doc("what runs here: `app` the proxy and the application, `data` Postgres and Redis"),
    ] = ROLES
    private_address: Annotated[
        str,
        PRIVATE.or_empty(),
        Doc("address on a private network; where app hosts without `data` reach the datastores of this host"),
    ] = ""
    identity_file: Annotated[
        str, FILE.or_empty(), Doc("private key to log in with; empty uses your agent and ssh_config")
    ] = ""
    known_hosts: Annotated[
        str, FILE.or_empty(), Doc("file with the host's recorded key; empty means ~/.ssh/known_hosts")
    ] = ""

    def is_app(self) -> bool:
        """Whether the application runs here."""
        return "app" in self.roles

    def is_data(self) -> bool:
        """Whether the datastores run here."""
        return "data" in self.roles


@dataclass(frozen=True, kw_only=True)
class Service:
    """One process of the application, run from its image."""

    command: Annotated[tuple[str, ...], Doc("words to run; empty runs the image's own command")] = ()
    port: Annotated[Port, Doc("port it listens on inside its container; none for a worker")] | None = None
    health_path: Annotated[str, URL_PATH, Doc("path that answers 200 when the service works")] = "/health"
    replicas: Annotated[int, Interval(ge=1, le=100), Doc("containers on each app host")] = 1
    singleton: Annotated[bool, Doc("never two at once: the old one stops before the new one starts")] = False
    limits: Annotated[Limits, Doc("what one of its containers may use")] = field(default_factory=Limits)
    start_timeout_seconds: Annotated[Seconds, Doc("how long it may take until it is healthy")] = 60
    stop_grace_seconds: Annotated[Seconds, Doc("how long it may finish its work after SIGTERM")] = 30


@dataclass(frozen=True, kw_only=True)
class Migrate:
    """Changes to the database's schema, made once per deploy, from the new image, before the switch."""

    command: Annotated[tuple[str, ...], NotEmpty(), Doc("words to run in a container of the new image")]
    service: Annotated[str, Doc("service whose variables and limits the migration gets; empty: the public one")] = ""
    paths: Annotated[
        tuple[Annotated[str, INSIDE], ...],
        Doc("folders of the source that hold the migrations; unchanged, they are not run. Empty: run always"),
    ] = ()
    down: Annotated[tuple[str, ...], Doc("words that take migrations back, down to the one in MIGRATE_TO_VERSION")] = ()
    version: Annotated[
        tuple[str, ...], Doc("words that print a release's newest migration, for MIGRATE_TO_VERSION")
    ] = ()
    timeout_seconds: Annotated[Seconds, Doc("how long each of these may take")] = 600


@dataclass(frozen=True, kw_only=True)
class App:
    """The application that is deployed."""

    name: Annotated[Name, Doc("names folders, containers and images on the host")]
    source: Annotated[
        str, RELATIVE, Doc("folder with the source, relative to the project; what git tracks there is sent")
    ] = "."
    dockerfile: Annotated[
        str, INSIDE.or_empty(), Doc("a Dockerfile of your own inside the source; empty renders templates/Dockerfile.j2")
    ] = ""
    python: Annotated[Image, Doc("base image of the rendered Dockerfile")] = "python:3.11-slim"
    test_command: Annotated[
        tuple[str, ...], Doc("the quality gate: words run in the source folder before a deploy; empty has no gate")
    ] = ()
    test_timeout_seconds: Annotated[Seconds, Doc("how long the quality gate may take")] = 1800
    public: Annotated[str, Doc("service the proxy sends requests to; empty: the only one with a port")] = ""
    services: Annotated[Mapping[Name, Service], NotEmpty(), Doc("the processes, by name")]
    migrate: Annotated[Migrate, Doc("how the database's schema follows the code; none: no migrations")] | None = None

    def public_service(self) -> str:
        """Name of the service that the proxy sends requests to; empty if there is none."""
        with_port = [name for name, service in self.services.items() if service.port]
        return self.public or (with_port[0] if with_port else "")


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """The door to the application: Caddy, on every app host."""

    image: Annotated[Image, Doc("image of the proxy")] = "caddy:2"
    domains: Annotated[
        tuple[Domain, ...], Doc("host names to serve over HTTPS with automatic certificates; empty serves plain HTTP")
    ] = ()
    http_port: Annotated[Port, Doc("port on the host for HTTP")] = 80
    https_port: Annotated[Port, Doc("port on the host for HTTPS")] = 443
    retry_seconds: Annotated[Seconds, Doc("how long a request is held while no replica answers")] = 5
    stream_close_seconds: Annotated[
        Seconds,
        Doc("how long WebSockets stay open: behind a switch the replaced release stops after this time, not before"),
    ] = 30
    limits: Annotated[Limits, Doc("what the proxy may use")] = field(
        default_factory=lambda: Limits(memory="256MiB", cpus=0.5)
    )


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """PostgreSQL, on the data host."""

    image: Annotated[Image, Doc("image of the database")] = "postgres:15-alpine"
    database: Annotated[Identifier, Doc("name of the application's database")]
    user: Annotated[Identifier, Doc("role the application logs in as; owns the database")]
    password_secret: Annotated[SecretName, Doc("name of the secret with its password")] = "POSTGRES_PASSWORD"
    limits: Annotated[Limits, Doc("what the database may use")] = field(
        default_factory=lambda: Limits(memory="512MiB", cpus=0.5)
    )


@dataclass(frozen=True, kw_only=True)
class Redis:
    """Redis, on the data host."""

    image: Annotated[Image, Doc("image of Redis")] = "redis:7-alpine"
    password_secret: Annotated[
        str, VARIABLE.or_empty(), Doc("name of the secret with its password; empty: no password")
    ] = ""
    limits: Annotated[Limits, Doc("what Redis may use")] = field(
        default_factory=lambda: Limits(memory="256MiB", cpus=0.25)
    )


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What lives longer than a release."""

    proxy: Annotated[Proxy, Doc("the door to the application")] = field(default_factory=Proxy)
    postgres: Annotated[Postgres, Doc("the database; leave it out to use one of your own")] | None = None
    redis: Annotated[Redis, Doc("Redis; leave it out to use one of your own or none")] | None = None


@dataclass(frozen=True, kw_only=True)
class Logging:
    """How containers and the application keep their logs."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], Doc("level in logging.conf and LOG_LEVEL")] = "INFO"
    max_size: Annotated[Size, Doc("size at which a container's log is rotated")] = "20MiB"
    files: Annotated[int, Interval(ge=1, le=100), Doc("rotated files kept for each container")] = 5


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Everything one environment is, read from `env/<name>.yml`, `env/<name>.env` and its secrets."""

    name: Annotated[str, Filled("from the file's name")] = ""
    sandbox: Annotated[bool, Doc("its hosts are throwaway sandbox hosts on this machine")] = False
    engine: Annotated[Literal["compose"], Doc("what runs the containers")] = "compose"
    language: Annotated[Literal["en", "ko"], Doc("language of what people read: en or ko")] = "en"
    root: Annotated[str, ROOT, Doc("folder on the hosts that holds everything; <root>/<app>/<environment>")] = "/srv"
    app: Annotated[App, Doc("the application that is deployed")]
    hosts: Annotated[Mapping[Name, Host], Doc("the servers, by name; none: this machine, for inv dev.up")] = field(
        default_factory=dict
    )
    stack: Annotated[Stack, Doc("what lives longer than a release")] = field(default_factory=Stack)
    secrets: Annotated[
        tuple[SecretName, ...],
        Doc("names of the secrets; values come from env/<name>.secrets or the process environment"),
    ] = ()
    logging: Annotated[Logging, Doc("how logs are kept")] = field(default_factory=Logging)
    policies: Annotated[Policies, Doc("how deploys behave")] = field(default_factory=Policies)
    hooks: Annotated[Hooks, Doc("commands of yours that hear of deploys")] = field(default_factory=Hooks)
    is_rehearsal: Annotated[bool, Filled("by --sandbox")] = False
    variables: Annotated[Mapping[str, str], Filled("from env/<name>.env; Jinja templates, as written there")] = field(
        default_factory=dict
    )
    secret_values: Annotated[Mapping[str, Secret], Filled("from env/<name>.secrets and the process environment")] = (
        field(default_factory=dict)
    )

    @property
    def project(self) -> str:
        """Name that everything of this environment carries on a host: `<app>-<environment>`."""
        return f"{self.app.name}-{self.name}"

    @property
    def folder(self) -> str:
        """Absolute folder on each host."""
        return f"{self.root}/{self.app.name}/{self.name}"

    @property
    def options(self) -> str:
        """The options that make a task mean this environment, for hints: `--env=production`."""
        return f"--env={self.name}{' --sandbox' if self.is_rehearsal else ''}"

    def app_hosts(self) -> tuple[Host, ...]:
        """Hosts the application runs on, as declared."""
        return tuple(host for host in self.hosts.values() if host.is_app())

    def data_host(self) -> Host | None:
        """Host of the datastores, None if there is none."""
        return next((host for host in self.hosts.values() if host.is_data()), None)
