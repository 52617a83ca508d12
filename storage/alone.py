"""Lets the transactions that ask for one name run one after the other."""

from storage.sql import Sql


def alone(sql: Sql, name: str) -> None:
    """Wait for every transaction that has asked for the same name. A transaction that asks later waits for this one.

    No row is locked, so the order of the locks of rows stays that of the pipeline.
    """
    sql.run(_ALONE, name=name)


_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"
