"""The certificate authorities that this machine trusts beyond the usual ones, a company's proxy for example."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

BUNDLE_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE")
USUAL_AUTHORITIES = Path("/usr/share/ca-certificates")

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def machine_certificates() -> tuple[str, ...]:
    """PEM texts in the bundle named by PIP_CERT or SSL_CERT_FILE that Debian's own ca-certificates does not bring."""
    named = [Path(os.environ[variable]) for variable in BUNDLE_VARIABLES if os.environ.get(variable)]
    bundle = next((path for path in named if path.is_file()), None)
    if bundle is None:
        return ()
    usual = (path.read_text(errors="replace") for path in sorted(USUAL_AUTHORITIES.rglob("*.crt")))
    return unusual(bundle.read_text(errors="replace"), usual)


def unusual(bundle: str, usual: Iterable[str]) -> tuple[str, ...]:
    """Certificates of `bundle`, in its order, that stand in none of the PEM texts `usual`."""
    known = {_bare(certificate) for text in usual for certificate in _CERTIFICATE.findall(text)}
    return tuple(found for found in _CERTIFICATE.findall(bundle) if _bare(found) not in known)


def _bare(certificate: str) -> str:
    return "".join(certificate.split())
