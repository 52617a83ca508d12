"""Lets a worker survive a restart of Redis while it holds an unacknowledged message.

After a broken read, `Connection.collect` drops the transport and keeps the default channel. The close of that channel
failed half-way, because remote control has a queue to delete. The consumer's `connection.close()` (new in celery 5.7.0)
closes the channel a second time and tries to put its messages back without a connection. The worker exits with an
AttributeError.

`Connection.collect` also sets a default timeout of the process for the time of the call. A socket that another thread
makes meanwhile takes the timeout over, and two calls at once may leave it set for good. Redis' sockets have timeouts of
their own.
"""

import socket
from functools import wraps

from kombu import Connection


def mend_reconnect() -> None:
    """Make `Connection.collect` clear the default channel, and leave the default timeout alone.

    A second call changes nothing.
    """
    collect = Connection.collect
    if hasattr(collect, "__wrapped__"):
        return

    @wraps(collect)
    def collect_and_forget(self: Connection, socket_timeout: float | None = None) -> None:  # noqa: ARG001
        try:
            collect(self, socket.getdefaulttimeout())
        finally:
            self._default_channel = None  # type: ignore[attr-defined]  # private, and the cause of the fault

    Connection.collect = collect_and_forget  # type: ignore[method-assign]
