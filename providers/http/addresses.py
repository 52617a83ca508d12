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

# `is_global` accepts these networks, and no CDN uses them. 192.0.0.0/24 and 168.63.129.16 contain the metadata services
# of Oracle Cloud and Azure. A 6to4 or Teredo address contains an IPv4 address that an attacker can choose.
_NEVER_PUBLIC: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in ("192.0.0.0/24", "168.63.129.16/32", "fec0::/10", "2001::/32", "2002::/16", "64:ff9b:1::/48")
)
log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(DownloadError):
    """The address policy refuses the address."""


class AddressPolicy:
    """Allows public addresses and the `allowed_private` networks; refuses all others."""

    def __init__(self, allowed_private: Sequence[Network] = ()) -> None:
        self._allowed_private = tuple(allowed_private)

    def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of a host, all checked.

        Raises:
            AddressRefused: `is_final`; the policy refuses one of the addresses, so the name is not trusted.
            OSError: the name cannot be resolved.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            if not self.allows(ipaddress.ip_address(address)):
                # The error omits the address: the author of the link must learn nothing about our network.
                log.warning("address_refused", host=host, address=address)
                raise AddressRefused("the file's host is not public", is_final=True)
        return addresses

    def allows(self, address: Address) -> bool:
        """Whether the policy allows a connection to an address."""
        real = _unwrapped(address)
        return _is_public(real) or any(
            real in network for network in self._allowed_private if network.version == real.version
        )


def _is_public(address: Address) -> bool:
    if any(address in network for network in _NEVER_PUBLIC if network.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _unwrapped(address: Address) -> Address:
    """The IPv4 address inside a mapped or NAT64 address, where the connection would go; else the address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
