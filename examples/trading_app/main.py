# ruff: noqa: E402 - the signal handlers come before the imports
"""Start one of the trading application's processes: the API (default), migrate, scheduler or worker."""

from __future__ import annotations

import signal
import sys

# As PID 1 of a container a process without handlers ignores SIGTERM; this one holds from the first moment,
# while the heavier imports below are still running. Each command replaces it or lets it end the process.
for _signal in (signal.SIGTERM, signal.SIGINT):
    signal.signal(_signal, lambda *_: sys.exit(0))

import argparse
import os
from collections.abc import Sequence

from src.settings import BadSettings, Settings, read_settings


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status: 2 is a usage or settings mistake, nothing was started."""
    options = _parser().parse_args(arguments)
    try:
        settings = read_settings(os.environ)
    except BadSettings as error:
        print(f"main.py: {error}", file=sys.stderr)
        return 2
    if options.reload and settings.environment != "development":
        print("main.py: --reload: only with ENVIRONMENT=development", file=sys.stderr)
        return 2
    return _run(options, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="main.py", description=__doc__)
    parser.add_argument("--reload", action="store_true", help="restart when a source file changes (development)")
    commands = parser.add_subparsers(dest="command", metavar="command")
    migrate = commands.add_parser("migrate", help="apply pending migrations").add_mutually_exclusive_group()
    migrate.add_argument(
        "--list", action="store_const", dest="only", const="list", help="show applied and pending ones"
    )
    migrate.add_argument("--newest", action="store_const", dest="only", const="newest", help="show the newest one")
    migrate.add_argument("--down-to", metavar="NAME", help="take back all that are newer than this one")
    commands.add_parser("scheduler", help="the singleton that holds a lease in Redis")
    commands.add_parser("worker", help="process jobs from the Redis list `jobs`")
    return parser


def _run(options: argparse.Namespace, settings: Settings) -> int:
    """Import only what the command needs: it is most of the start time."""
    if options.command == "migrate":
        from src.migrate import command

        return command(settings, only=options.only or "", down_to=options.down_to)
    if options.command in ("scheduler", "worker"):
        from src.background import run

        return run(options.command, settings)
    from src.server import serve

    return serve(settings, reload=options.reload)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
