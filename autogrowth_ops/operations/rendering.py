"""The files a deploy would write, without asking a host."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from ..errors import UsageError
from ..model.environment import Environment, Host
from ..model.release import Version
from ..model.secret import MASK
from ..render import ANY_RELEASE, SECRET_MODE, Renderer

VERSION = Version(commit="0" * 40, tree="")


def rendered(environment: Environment, root: Path, host: str = "", *, masked: bool = True) -> dict[str, str]:
    """Contents by path, `releases/...` and `stack/...`, for one host; the first if none is named."""
    hosts = environment.hosts or {"local": Host(name="local", address="local")}
    if host and host not in hosts:
        raise UsageError(f"{host}: no host of {environment.name}")
    chosen = hosts[host] if host else next(iter(hosts.values()))
    renderer = Renderer(environment, root)
    release = renderer.release(ANY_RELEASE, VERSION, chosen) if chosen.is_app() else ()
    found = {f"releases/{ANY_RELEASE}/{file.path}": file for file in release}
    found |= {f"stack/{file.path}": file for file in renderer.stack(chosen)}
    return {
        path: mask(file.text, renderer.secret_names()) if masked and file.mode == SECRET_MODE else file.text
        for path, file in found.items()
    }


def mask(text: str, names: Collection[str]) -> str:
    """The text of an env file with the values of these names hidden."""
    return re.sub(
        r"^(\w+)=.*$", lambda found: f"{found[1]}={MASK}" if found[1] in names else found[0], text, flags=re.MULTILINE
    )
