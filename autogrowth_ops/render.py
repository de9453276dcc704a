"""Templates become files: the only importer of Jinja.

A project's own `templates/` override the packaged ones file by file. Values are quoted by filters; an undefined
name is an error that says where."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from .errors import ConfigError
from .folders import cache_folder
from .model.environment import Environment, Host
from .model.masking import masker
from .model.passwords import fingerprint
from .model.plan import RenderedFile
from .model.release import Version
from .model.secret import Secret
from .model.sizes import size_bytes

if TYPE_CHECKING:
    import jinja2

SECRET_MODE = 0o600
ANY_RELEASE = "RELEASE"
THIS_MACHINE = Host(name="local", address="local")
Value = str | Secret
REFUSED_BY_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")  # JSON has them as they are
WRONG_USES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # what filters and expressions raise
HEALTHCHECK = "import urllib.request; urllib.request.urlopen('http://localhost:{port}{path}', timeout=9)"


def packaged_templates() -> Path:
    """Folder of the templates that come with the package."""
    inside = Path(__file__).parent / "templates"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "templates"


def _differs(folder: Path, packaged: Path, name: str) -> bool:
    """Whether the folder has a template of its own by that name."""
    own = folder / name
    return own.is_file() and own.read_bytes() != (packaged / name).read_bytes()


def env_value(value: Value) -> str:
    """A value for Compose's env files: arrives in the container as it is, whatever characters it has.

    In double quotes Compose reads backslash escapes and `$`; both are escaped."""
    text = value.reveal() if isinstance(value, Secret) else value
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n").replace("\r", "\\r")
    )
    return f'"{escaped}"'


def compose_value(value: object) -> str:
    """A value for a Compose file: JSON, which YAML reads alike, with `$` doubled against interpolation."""
    text = json.dumps(value, ensure_ascii=False).replace("$", "$$")
    return REFUSED_BY_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def memory(size: str) -> str:
    """Bytes as Compose writes them."""
    return json.dumps(f"{size_bytes(size)}b")


def url_quote(value: Value) -> str:
    """Percent-encoded for any part of a URL."""
    return quote(value.reveal() if isinstance(value, Secret) else value, safe="")


FILTERS: Mapping[str, Callable[..., object]] = {
    "env_value": env_value,
    "compose_value": compose_value,
    "to_json": lambda value: json.dumps(value, ensure_ascii=False),
    "memory": memory,
    "size": size_bytes,
    "url_quote": url_quote,
}


class Renderer:
    """Renders one environment's files; `root` is the project's folder."""

    def __init__(self, environment: Environment, root: Path) -> None:
        self._environment = environment
        self._jinja = _jinja(root / "templates", packaged_templates())
        self._has_own_compose = _differs(root / "templates", packaged_templates(), "app.compose.yml.j2")

    def text(self, template: str, **names: object) -> str:
        """The rendered template, ending with one newline. Raise ConfigError naming the template and the line."""
        environment = self._environment
        common = {
            "app": environment.app,
            "stack": environment.stack,
            "logging": environment.logging,
            "project": environment.project,
            "environment": environment.name,
            "sandbox": environment.sandbox,
            "public": environment.app.public_service(),
            "port": self._port(),
        }
        return _render(self._jinja, f"{template}.j2", {**common, **names}).rstrip("\n") + "\n"

    def variables(self) -> dict[str, Value]:
        """The application's variables with their templates resolved; a value made with a secret is one."""
        secrets = {name: secret.reveal() for name, secret in self._environment.secret_values.items()}
        return {name: self._variable(name, text, secrets) for name, text in self._environment.variables.items()}

    def secret_names(self) -> frozenset[str]:
        """Names of the variables whose values are secrets."""
        return frozenset(name for name, value in self.variables().items() if isinstance(value, Secret))

    def _variable(self, name: str, text: Value, secrets: Mapping[str, str]) -> Value:
        if isinstance(text, Secret) or "{" not in text:
            return text
        names = {"secrets": secrets, "app": self._environment.app, "stack": self._environment.stack}
        try:
            resolved = _render_text(self._jinja, text, f"{self._environment.name}.env: {name}", names)
        except ConfigError as error:  # an expression that fails may show what it was given
            raise ConfigError([masker(self._environment.secret_values.values())(str(error))]) from None
        return Secret(resolved) if "secrets" in text else resolved

    def _port(self) -> int:
        public = self._environment.app.public_service()
        return (self._environment.app.services[public].port or 0) if public else 8000

    def release(self, release: str, version: Version, host: Host) -> tuple[RenderedFile, ...]:
        """Files of `releases/<id>/` on one app host, except its record."""
        environment = self._environment
        service = environment.app.services.get(environment.app.public_service())
        check = HEALTHCHECK.format(port=self._port(), path=service.health_path if service else "/health")
        names = {"release": release, "version": version, "extra_hosts": _extra_hosts(environment, host)}
        files = [
            RenderedFile("compose.yml", self.text("app.compose.yml", **names)),
            RenderedFile("app.env", self.text("app.env", variables=self.variables()), SECRET_MODE),
            RenderedFile("logging.conf", self.text("logging.conf"), 0o644),
        ]
        if not environment.app.dockerfile:
            files.append(RenderedFile("Dockerfile", self.text("Dockerfile", healthcheck=check)))
        return tuple(files)

    def require_rules(self, files: Sequence[RenderedFile], release: str) -> None:
        """Raise ConfigError if a Compose template of the project's own breaks the rules of docs/templates.md."""
        from .config.compose_rules import ReleaseRules, broken_rules

        if not self._has_own_compose:
            return
        app, project = self._environment.app, self._environment.project
        labels = {"autogrowth.project": project, "autogrowth.release": release}
        rules = ReleaseRules(tuple(app.services), app.public_service(), release, labels)
        compose = next(file.text for file in files if file.path == "compose.yml")
        if problems := broken_rules(compose, "compose.yml", rules):
            raise ConfigError(problems)

    def stack(self, host: Host) -> tuple[RenderedFile, ...]:
        """Files of `stack/` on one host."""
        environment = self._environment
        files = [
            RenderedFile(
                "compose.yml",
                self.text(
                    "stack.compose.yml",
                    host=host,
                    volumes=_volumes(environment, host),
                    publish_on=_publish_on(environment, host),
                ),
            )
        ]
        if host.is_app() and environment.app.public_service():
            files.append(RenderedFile("Caddyfile", self.text("Caddyfile"), 0o644))
        return tuple(files)

    def development(self, folder: str, user: str, ports: Mapping[str, int]) -> tuple[RenderedFile, ...]:
        """Files of the development environment for `folder`, a path inside the project like all others in them.

        `user` is `uid:gid`; `ports` are those of this machine, by service, `postgres` and `redis`."""
        environment, stack = self._environment, self._environment.stack
        source = posixpath.join(".", posixpath.normpath(environment.app.source))
        own = posixpath.relpath(f"{folder}/Dockerfile", source)
        names = {"source": source, "folder": folder, "user": user, "ports": ports}
        names["dockerfile"] = environment.app.dockerfile or own
        names["volumes"] = [f"{name}-data" for name in ("postgres", "redis") if getattr(stack, name)]
        release = self.release(ANY_RELEASE, Version("0" * 40, ""), THIS_MACHINE)
        files = [file for file in release if file.path in ("app.env", "Dockerfile", "logging.conf")]
        files.append(RenderedFile("compose.yml", self.text("development.compose.yml", **names)))
        if stack.postgres:
            password = environment.secret_values[stack.postgres.password_secret]
            files.append(RenderedFile("postgres.env", f"POSTGRES_PASSWORD={env_value(password)}\n", SECRET_MODE))
        return tuple(files)


def digest(files: Sequence[RenderedFile], *more: str) -> str:
    """A name for exactly these contents: 16 hexadecimal digits, which tell nobody the secrets in them."""
    total = hashlib.sha256()
    for file in sorted(files, key=lambda one: one.path):
        text = fingerprint({file.path: Secret(file.text)}, "digest") if file.mode == SECRET_MODE else file.text
        total.update(f"{file.path}\0{file.mode}\0{text}\0".encode())
    for text in more:
        total.update(f"{text}\0".encode())
    return total.hexdigest()[:16]


def _volumes(environment: Environment, host: Host) -> tuple[str, ...]:
    stack = environment.stack
    names = ["proxy-data", "proxy-config"] if host.is_app() and environment.app.public_service() else []
    names += ["postgres-data"] if host.is_data() and stack.postgres else []
    names += ["redis-data"] if host.is_data() and stack.redis else []
    return tuple(names)


def _publish_on(environment: Environment, host: Host) -> str:
    lonely = [one for one in environment.app_hosts() if not one.is_data()]
    return host.private_address if lonely and host.is_data() else ""


def _extra_hosts(environment: Environment, host: Host) -> dict[str, str]:
    data = environment.data_host()
    return {"postgres": data.private_address, "redis": data.private_address} if data and not host.is_data() else {}


@cache
def _jinja(*folders: Path) -> jinja2.Environment:
    """One for all renderers of a project: a template is compiled once, and kept compiled for the next run."""
    import jinja2

    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        bytecode_cache=_compiled(),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 files are rendered, no pages; every value goes through a filter of its own
        keep_trailing_newline=True,
    )
    found.filters.update(FILTERS)
    return found


def _compiled() -> jinja2.BytecodeCache | None:
    """In a folder that only this user can write, for what is read there is run; none where that cannot be."""
    import jinja2

    with suppress(OSError, RuntimeError):  # no home, too
        folder = cache_folder() / "templates"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK) and not folder.stat().st_mode & 0o022:
            return jinja2.FileSystemBytecodeCache(str(folder))
    return None


def _render(environment: jinja2.Environment, template: str, names: Mapping[str, object]) -> str:
    import jinja2

    try:
        return environment.get_template(template).render(names)
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError([f"templates/{error.name or template}:{error.lineno}: {error.message}"]) from error
    except jinja2.TemplateNotFound as error:
        raise ConfigError([f"templates/{error.name}: no such template"]) from error
    except (jinja2.TemplateError, *WRONG_USES) as error:
        raise ConfigError([f"templates/{template}:{_line_of(error, template)}: {error}"]) from error


def _render_text(environment: jinja2.Environment, text: str, where: str, names: Mapping[str, object]) -> str:
    import jinja2

    try:
        return environment.from_string(text).render(names)
    except (jinja2.TemplateError, *WRONG_USES) as error:
        raise ConfigError([f"{where}: {error}"]) from error


def _line_of(error: BaseException, template: str) -> str:
    trace, line = error.__traceback__, "?"
    while trace:
        if trace.tb_frame.f_code.co_filename.endswith(template):
            line = str(trace.tb_lineno)
        trace = trace.tb_next
    return line
