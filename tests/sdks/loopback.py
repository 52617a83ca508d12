"""Watches every connection and name look-up of this process, including those of the vendors' clients."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address


class LeftThisMachine(RuntimeError):
    """A connection to another machine was about to begin."""


class Watch:
    """An audit hook. Python calls it before each connection and each name look-up of any library.

    A hook cannot be removed. There is only one, and it checks only while it is active.
    """

    def __init__(self) -> None:
        self._is_on = False
        self._strays: list[str] = []
        sys.addaudithook(self._see)

    @contextmanager
    def on(self) -> Iterator[list[str]]:
        """Refuse connections to other machines. Yields the refused ones, since libraries may swallow the exception."""
        self._is_on, self._strays = True, []
        try:
            yield self._strays
        finally:
            self._is_on = False

    def _see(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._is_on:
            return
        host = _host(event, arguments)
        if host is not None and not _is_here(host):
            self._strays.append(host)
            raise LeftThisMachine(f"{event}: {host}")


WATCH = Watch()


def _host(event: str, arguments: tuple[object, ...]) -> str | None:
    """The host of a connection. None for a file or no host."""
    match event, arguments:
        case (("socket.getaddrinfo" | "socket.gethostbyname"), (str() as host, *_)):
            return host
        case (("socket.connect" | "socket.sendto" | "socket.sendmsg"), (_, (str() as host, *_))):
            return host
        case _:
            return None


def _is_here(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
