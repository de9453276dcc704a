"""Whether an address of this machine answers 200."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

SECONDS = 5


def answers(url: str) -> bool:
    """Whether GET gives 200 within 5 s. Asks straight, whatever proxies this machine has for other addresses."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
