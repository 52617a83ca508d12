"""The reach of a URL, judged by its host."""

import ipaddress
from enum import IntEnum
from urllib.parse import urlsplit

# Names that no public DNS server knows.
_PRIVATE_SUFFIXES = (".internal", ".lan", ".local", ".localdomain")


class Reach(IntEnum):
    """The places from which a host can be reached. A larger one includes the smaller ones."""

    MACHINE = 0
    NETWORK = 1
    INTERNET = 2


def reach_of(url: str) -> Reach:
    """The places from which the URL's host can be reached. No name is resolved.

    A name without a dot, such as a container's, counts as private; every other name counts as public.
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:  # not a URL
        return Reach.INTERNET
    if host == "localhost" or host.endswith(".localhost"):
        return Reach.MACHINE
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        is_private = "." not in host or host.endswith(_PRIVATE_SUFFIXES)
        return Reach.NETWORK if is_private else Reach.INTERNET
    if address.is_loopback or address.is_unspecified:
        return Reach.MACHINE
    return Reach.INTERNET if address.is_global else Reach.NETWORK


def connectable(host: str) -> str:
    """The host of a URL for a server that listens on `host`: a wildcard address becomes loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not listened on
    return f"[{host}]" if ":" in host else host
