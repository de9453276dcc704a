"""Logging: the deployed logging.conf if there is one, otherwise plain lines on standard output."""

from __future__ import annotations

import logging
import logging.config
import sys

from src.settings import Settings

FORMAT = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"


def configure(settings: Settings) -> None:
    """Set up logging. An unusable logging.conf costs a warning, not the service."""
    problem = _from_file(settings) if settings.log_config and settings.log_config.is_file() else "no file"
    if problem:
        logging.basicConfig(level=logging.INFO, format=FORMAT, stream=sys.stdout, force=True)
    if settings.log_level:
        logging.getLogger().setLevel(settings.log_level)
    if problem and settings.log_config:
        logging.getLogger(__name__).warning("%s: %s; logging to stdout", settings.log_config, problem)


def _from_file(settings: Settings) -> str | None:
    """None, or why the file cannot be used (fileConfig raises almost anything)."""
    try:
        logging.config.fileConfig(str(settings.log_config), disable_existing_loggers=False)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
