"""A fault of Celery 5.7.0 mended: a worker must survive a restart of Redis while it holds an unacknowledged message."""

from functools import wraps

from kombu import Connection


def mend_reconnect() -> None:
    """Let a collected connection forget its channel.

    After a broken read, `Connection.collect` drops the transport but keeps the default channel, whose close failed
    half way where it has remote control's queue to delete. The consumer's `connection.close()` (new in 5.7.0) then
    closes that channel a second time, tries to put its messages back without a connection, and the worker exits with
    an AttributeError. To be deleted when a release of kombu clears the channel itself.
    """
    collect = Connection.collect
    if hasattr(collect, "__wrapped__"):
        return

    @wraps(collect)
    def collect_and_forget(self: Connection, socket_timeout: float | None = None) -> None:
        try:
            collect(self, socket_timeout)
        finally:
            self._default_channel = None  # type: ignore[attr-defined]  # private, and the fault itself

    Connection.collect = collect_and_forget  # type: ignore[method-assign]
