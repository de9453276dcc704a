"""Reads the configuration: the only package that knows YAML, .env files and the process environment."""

from __future__ import annotations

from .files import default_environment_name, environment_names
from .generated_secrets import ensure_sandbox_secrets, with_made_up_secrets
from .reader import environment_of_host, load_environment
from .secret_values import PLACEHOLDER, with_secrets_of

__all__ = [
    "PLACEHOLDER",
    "default_environment_name",
    "ensure_sandbox_secrets",
    "environment_names",
    "environment_of_host",
    "load_environment",
    "with_made_up_secrets",
    "with_secrets_of",
]
