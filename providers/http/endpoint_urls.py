"""The URLs that customers may name for messages, by the operator's settings.

The check of an order or an endpoint sees the text alone. The sender checks the addresses of the host at each attempt.
"""

import ipaddress
from urllib.parse import urlsplit

from providers.http.addresses import AddressPolicy, is_web_port
from schemas.webhook_settings import WebhookSettings

_PORTS = {"http": 80, "https": 443}

_NOT_PUBLIC = "must name a public host: Reelworks cannot reach this one"


def refusal_of(url: str, settings: WebhookSettings) -> str | None:
    """The reason why no message can go to a URL. None: the URL may be used.

    Args:
        url: a URL of the type `schemas.webhook_urls.EndpointUrl`.
    """
    parts = urlsplit(url)
    host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS[parts.scheme]
    if parts.scheme != "https" and not settings.allow_http:
        return "must begin with https://"
    policy = AddressPolicy(settings.allowed_private_networks)
    address = _literal(host)
    if address is not None:
        return None if policy.allows(address, port) else _NOT_PUBLIC
    if host == "localhost" or host.endswith(".localhost"):
        return None if policy.allows(ipaddress.IPv4Address("127.0.0.1"), port) else _NOT_PUBLIC
    return None if is_web_port(port) else f"names port {port}: use 443, 80 or a port from 1024"


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
