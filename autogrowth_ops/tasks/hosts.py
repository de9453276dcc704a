"""inv hosts.trust."""

from __future__ import annotations

from invoke import Context, Exit

from ..errors import UsageError
from . import output
from .asking import agreed
from .boundary import ops_task
from .opening import environment_for


@ops_task(
    name="trust",
    common=("env", "host"),
    help={
        "yes": "record without asking; only where the fingerprint was compared before",
        "replace": "put the new key in the place of a recorded one: only after a reinstallation you know of",
    },
)
def trust(context: Context, env: str = "", host: str = "", yes: bool = False, replace: bool = False) -> None:
    """Show the key fingerprints of hosts and record them in known_hosts; from then on their identity is checked.

    Compare each with what the host itself says: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"""
    from ..remote import fetch_host_key, record_host_key

    environment = environment_for(context, env, host, need_secrets=False, need_hosts=True)
    chosen = [one for name, one in environment.hosts.items() if not host or name == host]
    for one in chosen:
        key = fetch_host_key(one)
        output.line(f"{one.name} ({one.address}): {key}")
        otherwise = (
            f"{one.name}: nobody is there to compare the fingerprint; compare it, then: "
            f"inv hosts.trust --env={environment.name} --host={one.name} --yes"
        )
        if not yes and not agreed(f"{one.name}: is this its fingerprint?", otherwise):
            raise Exit(code=UsageError.exit_code)
        record_host_key(one, key, replace=replace)
        output.line(f"{one.name}: recorded", "green")


TASKS = (trust,)
