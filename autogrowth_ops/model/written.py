"""How texts in the configuration must be written; the schema puts these into its annotations."""

from __future__ import annotations

from typing import Annotated, Final

from . import sizes
from .annotations import Interval, Written

LETTERED: Final = r"[A-Za-z]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
DNS_NAME: Final = rf"([A-Za-z0-9]([-A-Za-z0-9]{{0,61}}[A-Za-z0-9])?\.)+{LETTERED}|localhost"
PATH_WORD: Final = r"[A-Za-z0-9._-]+"

SIZE: Final = Written(sizes.PATTERN, sizes.EXAMPLE)
NAME: Final = Written(
    r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?", "1 to 32 lower case letters, digits and inner hyphens such as web-2"
)
VARIABLE: Final = Written(
    r"[A-Za-z_][A-Za-z0-9_]*",
    "a variable's name (letters, digits, underscores) such as POSTGRES_PASSWORD",
    is_shown=False,
)
ADDRESS: Final = Written(
    r"[A-Za-z0-9_:][A-Za-z0-9_.:%-]*", "an IP address, a DNS name or an ssh_config alias such as 203.0.113.10"
)
DOMAIN: Final = Written(DNS_NAME, "a domain name such as api.example.com")
USER: Final = Written(r"[A-Za-z0-9_][A-Za-z0-9._-]*", "a user name such as deploy")
IMAGE: Final = Written(r"[a-z0-9][A-Za-z0-9._/:@-]*", "an image such as caddy:2")
IDENTIFIER: Final = Written(r"[A-Za-z_][A-Za-z0-9_-]{0,62}", "a name of letters, digits, _ and - such as trading_user")
ROOT: Final = Written(rf"(/{PATH_WORD})+", "an absolute path without a slash at its end such as /srv")
RELATIVE: Final = Written(r"[^/~\s][^\r\n\t\x00]*", "a path inside the project, relative to it")
INSIDE: Final = Written(r"[^/~\s][^\r\n\t\x00]*", "a path inside the source folder")
FILE: Final = Written(r"[^\s][^\r\n\x00]*", "a file, relative to the project or beginning with / or ~")
URL_PATH: Final = Written(r"/[A-Za-z0-9._~/?=&%-]*", "a path that begins with a slash such as /health")
PRIVATE: Final = Written(r"[0-9A-Fa-f.:]+", "an IP address on a private network such as 10.0.0.5")

Size = Annotated[str, SIZE]
Name = Annotated[str, NAME]
SecretName = Annotated[str, VARIABLE]
Domain = Annotated[str, DOMAIN]
Image = Annotated[str, IMAGE]
Identifier = Annotated[str, IDENTIFIER]
Seconds = Annotated[int, Interval(ge=1, le=86_400)]
