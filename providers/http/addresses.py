"""The address policy: public addresses and the private networks that the operator allows.

Customers and vendors supply the URLs of files. Without this policy, such a URL could make a worker read our network or
the cloud's metadata service, and give the answer to a customer.
"""

import ipaddress
import socket
from collections.abc import Sequence

import structlog

from schemas.errors import DownloadError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The networks without public hosts, from IANA's registries of special-purpose addresses (2026-11). Python's `is_global`
# differs from version to version. 168.63.129.16 is a metadata service of Azure, and 192.0.0.0/24 contains one of Oracle
# Cloud. A 6to4 or Teredo address contains an IPv4 address that an attacker can choose.
_NEVER_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)

# All public IPv6 addresses of today are in this network (RFC 4291, section 2.5.4), but not in the ones below.
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_NEVER_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)

# The ports of the web. The other ports below 1024 belong to mail, directories and remote shells, which can misread an
# HTTP request.
_WEB_PORTS = frozenset({80, 443})
_FIRST_FREE_PORT = 1024

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(DownloadError):
    """The address policy refuses the address."""


class AddressPolicy:
    """Allows public addresses and the `allowed_private` networks; refuses all others."""

    def __init__(
        self, allowed_private: Sequence[Network] = (), *, of: str = "the file", not_public: str = "is not public"
    ) -> None:
        """Make a policy.

        Args:
            of: the thing with the URL, as errors name the thing.
            not_public: the end of the sentence that refuses a host.
        """
        self._allowed_private = tuple(allowed_private)
        self._of = of
        self.not_public = f"{of}'s host {not_public}"
        """The error about a host without a public address."""

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all checked.

        Raises:
            AddressRefused: `is_final`; the policy refuses the port or one of the addresses, so the name is not trusted.
            OSError: the name cannot be resolved.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            refusal = self._refusal(ipaddress.ip_address(address), port)
            if refusal is not None:
                # The error omits the address: the author of the link must learn nothing about our network.
                log.warning("address_refused", host=host, address=address, port=port)
                raise AddressRefused(refusal, is_final=True)
        return addresses

    def allows(self, address: Address, port: int = 443) -> bool:
        """Whether the policy allows a connection to an address."""
        return self._refusal(address, port) is None

    def _refusal(self, address: Address, port: int) -> str | None:
        real = _unwrapped(address)
        if any(real in network for network in self._allowed_private if network.version == real.version):
            return None
        if not _is_public(real):
            return self.not_public
        if not is_web_port(port):
            return f"{self._of}'s link names port {port}: use 443, 80 or a port from {_FIRST_FREE_PORT}"
        return None


def is_web_port(port: int) -> bool:
    """Whether a port can belong to a web server."""
    return port in _WEB_PORTS or port >= _FIRST_FREE_PORT


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NEVER_PUBLIC_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _NEVER_PUBLIC_V6)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside a mapped or NAT64 address, where the connection would go; else the address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
