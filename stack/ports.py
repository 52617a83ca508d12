"""TCP ports: finding a free one, and checking a configured one before anything is started."""

import errno
import random
import socket
from itertools import cycle, islice

from stack.errors import PortTaken, StackError

# Below the ranges that Linux (32768-60999) and macOS (49152-65535) give to outgoing connections, so that no
# connection can take the port between our choice and the server's bind.
FREE_PORTS = range(20_000, 32_000)


# Each number is given once before any is given again: two parts that have not yet bound theirs get different ones.
_shuffled = cycle(random.sample(FREE_PORTS, k=len(FREE_PORTS)))


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now.

    Raises:
        StackError: no port of `FREE_PORTS` is free.
    """
    for port in islice(_shuffled, len(FREE_PORTS)):
        if _bind_error(host, port) is None:
            return port
    raise StackError(f"No free port on {host} from {FREE_PORTS.start} to {FREE_PORTS.stop}")


def check_free(port: int, *, host: str, owner: str, setting: str) -> None:
    """Checks that `owner` can listen on the port that `setting` names.

    Raises:
        PortTaken: it cannot; the message names the setting to change.
    """
    error = _bind_error(host, port)
    if error is None:
        return
    if error.errno == errno.EADDRINUSE:
        raise PortTaken(f"Port {port} is in use, and {owner} wants it: stop what holds it or set {setting} to another")
    raise PortTaken(f"Port {port} on {host} cannot be opened for {owner} ({error.strerror}): set {setting} to another")


def _bind_error(host: str, port: int) -> OSError | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do, or a port whose last connections linger in TIME_WAIT would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            return error
    return None
