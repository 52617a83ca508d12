"""Who may sign in without a key, as the development customer: a person at the machine of a development system."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from fastapi import Request

from schemas.settings import Settings

# What a proxy adds. Behind a proxy on this machine, everybody comes from loopback.
_OF_PROXIES = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def is_possible(request: Request, settings: Settings) -> bool:
    """Whether the sender of a request may sign in without a key.

    A setting allows this, and only `reelworks up` sets it: behind a proxy that adds no header, everybody looks like a
    person at the machine. The host must be a name of loopback: the page of a stranger can give its own name the address
    of this machine (DNS rebinding), and then is of the same origin for the browser.
    """
    return (
        settings.studio.development_sign_in
        and settings.environment == "development"
        and request.client is not None
        and _is_loopback(request.client.host)
        and _is_loopback(_host_name(request.headers.get("host", "")))
        and not any(name in request.headers for name in _OF_PROXIES)
    )


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
