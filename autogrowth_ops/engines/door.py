"""How a client comes to the application: through the proxy."""

from __future__ import annotations

from ..model.environment import Environment


def through_proxy(environment: Environment) -> tuple[str, ...]:
    """Words for curl, on an app host, that ask the application's health through the proxy as a client would."""
    service = environment.app.services[environment.app.public_service()]
    proxy = environment.stack.proxy
    if not proxy.domains:
        return (f"http://127.0.0.1:{proxy.http_port}{service.health_path}",)
    domain, port = proxy.domains[0], proxy.https_port
    trust = ("--insecure",) if environment.sandbox else ()
    return ("--resolve", f"{domain}:{port}:127.0.0.1", *trust, f"https://{domain}:{port}{service.health_path}")
