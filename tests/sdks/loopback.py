"""Watches every connection and look-up of this process, those of the vendors' clients among them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address


class LeftThisMachine(RuntimeError):
    """Raised where something would have been sent to another machine, before it is."""


class Watch:
    """An audit hook: Python asks it before each connection and each look-up of a name, whatever library wants it.

    A hook can never be taken away again, so there is one, and it looks only when it is told to.
    """

    def __init__(self) -> None:
        self._is_on = False
        self._strays: list[str] = []
        sys.addaudithook(self._see)

    @contextmanager
    def on(self) -> Iterator[list[str]]:
        """Refuse what leaves this machine; gives the list of what was refused, for what swallows exceptions."""
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
    """Who is to be reached; None where it is a file or nobody."""
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
