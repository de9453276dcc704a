"""Secrets taken out of what others say: an application may print its own when it fails."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote, quote_plus

from .secret import MASK, Secret

LEAST_LETTERS = 4  # a shorter one stands in half of all words


def masker(secrets: Iterable[Secret]) -> Callable[[str], str]:
    """A function that hides these secrets in a text: as they are, and as URLs, JSON, programs and base64 write them."""
    forms = {form for secret in secrets for form in _forms(secret.reveal()) if len(form) >= LEAST_LETTERS}
    if not forms:
        return lambda text: text
    found = re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))
    return lambda text: found.sub(MASK, text)


def _forms(text: str) -> Iterator[str]:
    yield text
    yield from text.splitlines()
    yield from (quote(text, safe=""), quote(text), quote_plus(text))
    yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    yield from (repr(text)[1:-1], ascii(text)[1:-1])
    yield text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    yield base64.b64encode(text.encode()).decode()
