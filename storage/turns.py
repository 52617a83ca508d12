"""Turns: one process at a time does a work that must not be done twice.

A turn is an advisory lock of a connection. It ends with the connection: when the process ends, or when the server hears
nothing from the process for some seconds, for example because the process is stopped or its host is gone.
"""

from storage.sql import Sql, returns

# The hash stands for nothing else in this database.
_TAKE = returns(bool)("SELECT pg_try_advisory_lock(hashtext(%(name)s), 0)")


def take(sql: Sql, name: str, *, silent_seconds: int) -> bool:
    """Take the turn for this connection, unless another one has it.

    Args:
        name: the name of the work.
        silent_seconds: the turn ends when the connection asks nothing for so long.
    """
    sql.run(f"SET idle_session_timeout = '{silent_seconds}s'")
    return bool(sql.first(_TAKE, name=name))
