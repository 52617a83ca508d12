"""Lets a worker survive a restart of Redis while it holds an unacknowledged message.

After a broken read, `Connection.collect` drops the transport and keeps the default channel. The close of that channel
failed half-way, because remote control has a queue to delete. The consumer's `connection.close()` (new in celery 5.7.0)
closes the channel a second time and tries to put its messages back without a connection. The worker exits with an
AttributeError.
"""

from functools import wraps

from kombu import Connection


def mend_reconnect() -> None:
    """Make `Connection.collect` clear the default channel. A second call changes nothing."""
    collect = Connection.collect
    if hasattr(collect, "__wrapped__"):
        return

    @wraps(collect)
    def collect_and_forget(self: Connection, socket_timeout: float | None = None) -> None:
        try:
            collect(self, socket_timeout)
        finally:
            self._default_channel = None  # type: ignore[attr-defined]  # the attribute is private, and the cause of the fault

    Connection.collect = collect_and_forget  # type: ignore[method-assign]
