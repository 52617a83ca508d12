"""Finds a free TCP port, checks a configured port, and keeps the ports of a run folder."""

import errno
import json
import random
import socket
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from stack.errors import PortTaken, StackError
from stack.private_file import read_private, write_private

# Below the ranges that Linux (32768-60999) and macOS (49152-65535) give to outgoing connections: no connection can take
# the port between the choice and the server's bind.
FREE_PORTS = range(20_000, 32_000)

ATTEMPTS = 3
"""The number of ports that a part tries when its chosen port is taken at the bind."""

_Ports = TypeAdapter(dict[str, int])


def _in_any_order(ports: range) -> Iterator[int]:
    """Each port once before any port again: two parts get different ports before they bind."""
    return cycle(random.sample(ports, k=len(ports)))


_chosen = [_in_any_order(FREE_PORTS)]


def take_share(number: int, *, of: int) -> None:
    """Let this process choose from a share of the ports alone: number 0, 1 and so on, again from the first after `of`.

    Processes with different shares may start services at the same moment.
    """
    _chosen[0] = _in_any_order(FREE_PORTS[number % of :: of])


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which no process listens.

    Raises:
        StackError: no port of `FREE_PORTS` is free.
    """
    for port in islice(_chosen[0], len(FREE_PORTS)):
        if is_free(port, host=host):
            return port
    raise StackError(f"No free port on {host} from {FREE_PORTS.start} to {FREE_PORTS.stop}")


def is_free(port: int, *, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on this port now."""
    return _bind_error(host, port) is None


def check_free(port: int, *, host: str, owner: str, setting: str) -> None:
    """Check that `owner` can listen on the port of `setting`.

    Raises:
        PortTaken: the port cannot be opened. The message names the setting to change.
    """
    error = _bind_error(host, port)
    if error is None:
        return
    if error.errno == errno.EADDRINUSE:
        raise PortTaken(f"Port {port} is in use, and {owner} wants it: stop what holds it or set {setting} to another")
    raise PortTaken(f"Port {port} on {host} cannot be opened for {owner} ({error.strerror}): set {setting} to another")


class KeptPorts:
    """The ports of the embedded services. Each start from a folder uses the same ports, unless a port is taken."""

    def __init__(self, path: Path) -> None:
        """Read the ports of the last start.

        Args:
            path: the file of the ports. An absent or damaged file counts as empty.
        """
        self._path = path
        try:
            self._ports = _Ports.validate_json(read_private(path) or "{}")
        except ValidationError:
            self._ports = {}

    def get(self, name: str) -> int:
        """The kept port of a service. A new port if none is kept or the kept port is taken."""
        port = self._ports.get(name, 0)
        return port if port in FREE_PORTS and is_free(port) else self.another(name)

    def another(self, name: str) -> int:
        """Choose a new port for a service, and keep the port."""
        self._ports[name] = free_port()
        write_private(self._path, json.dumps(self._ports))
        return self._ports[name]


def _bind_error(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Servers set this option too. Without it, a port with connections in TIME_WAIT looks taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error
    return None
