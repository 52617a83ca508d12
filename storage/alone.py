"""Lets the transactions that ask for one name run one after the other."""

from uuid import UUID

from schemas.stages import TERMINAL
from storage.sql import Sql


def alone(sql: Sql, name: str) -> None:
    """Wait for every transaction that has asked for the same name. A transaction that asks later waits for this one.

    No row is locked, so the order of the locks of rows stays that of the pipeline.
    """
    sql.run(_ALONE, name=name)


_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"


def after_the_release_before(sql: Sql, generation_id: UUID) -> None:
    """Wait for a retry or a continuation of this generation by the release before, and let its next one wait.

    That release locks the row of the generation instead of the name: FOR NO KEY UPDATE. A change of limits locks rows
    FOR SHARE, as this does, so neither waits for the other. The next release can leave this out.
    """
    sql.run(_SHARED, id=generation_id, ended=list(TERMINAL))


_SHARED = "SELECT FROM generations WHERE id = %(id)s AND stage = ANY(%(ended)s) FOR SHARE"
