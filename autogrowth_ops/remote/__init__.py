"""The door to the hosts: run scripts there, talk to them, trust their keys.

    outcome = open_remote(host, connect_timeout_seconds=10).run("uptime", timeout_seconds=30)

Importing this package is cheap: Fabric and Paramiko are loaded by the first connection, in one module.
"""

from autogrowth_ops.remote.hosts import on_hosts, open_remote
from autogrowth_ops.remote.known_hosts import HostKey
from autogrowth_ops.remote.local import LOCAL_ADDRESS, LocalRemote
from autogrowth_ops.remote.protocol import Outcome, Remote
from autogrowth_ops.remote.ssh import FabricRemote
from autogrowth_ops.remote.trust import fetch_host_key, record_host_key

__all__ = [
    "LOCAL_ADDRESS",
    "FabricRemote",
    "HostKey",
    "LocalRemote",
    "Outcome",
    "Remote",
    "fetch_host_key",
    "on_hosts",
    "open_remote",
    "record_host_key",
]
