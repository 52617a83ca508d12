"""Removes expired files and records, kind by kind.

Each kind is removed in slices. A slice is a short transaction that skips locked rows. So several sweeps may run at once
and beside a working system, and a sweep that is stopped loses nothing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from minio.error import MinioException
from sqlalchemy.exc import SQLAlchemyError
from urllib3.exceptions import HTTPError

from schemas.enums import SweepKind
from schemas.setting_groups import RetentionSettings
from storage.database import Database
from storage.objects import ObjectStore
from storage.sweeps import admission, files, rows, webhooks
from storage.sweeps.base import Portion, Sweep

__all__ = ["Portion", "Swept", "sweep"]

_SWEEPERS: Mapping[SweepKind, Callable[[Sweep], Iterator[Portion]]] = {
    # Objects that the first two kinds leave in the store are orphans, which the third kind removes in a later sweep.
    SweepKind.ASSETS: files.assets,
    SweepKind.UPLOADS: files.uploads,
    SweepKind.OBJECTS: files.orphans,
    SweepKind.MULTIPART: files.multipart_uploads,
    SweepKind.RECEIPTS: rows.receipts,
    SweepKind.KEYS: rows.idempotency_keys,
    SweepKind.DIGESTS: rows.digests,
    SweepKind.SPENDING: rows.key_spending,
    SweepKind.SHARES: rows.shares,
    SweepKind.WEBHOOKS: webhooks.webhooks,
    SweepKind.ADMISSION: admission.admission,
    SweepKind.SESSIONS: rows.sessions,
    SweepKind.PROCESSES: rows.processes,
    SweepKind.DELETED: files.deleted_customers,
}

_TROUBLE = (SQLAlchemyError, MinioException, HTTPError, OSError)


@dataclass(frozen=True)
class Swept:
    """The result of a sweep, or of a dry run, for one kind."""

    kind: SweepKind
    """The kind."""
    total: Portion
    """The sum of all slices."""
    interrupted_by: str | None = None
    """The name of the error that ended this kind early."""


def sweep(
    database: Database,
    objects: ObjectStore,
    retention: RetentionSettings,
    *,
    kinds: Collection[SweepKind] = tuple(SweepKind),
    is_dry: bool = False,
    session_idle: timedelta | None = None,
    on_portion: Callable[[SweepKind, Portion], None] | None = None,
) -> Iterator[Swept]:
    """Remove everything that is due, kind by kind. After an error in one kind, the sweep goes on with the next kind.

    Args:
        is_dry: count, and remove nothing.
        session_idle: the time without use after which a session has ended. None: only the longest time ends sessions.
        on_portion: called after each slice with the kind and its sum so far.
    """
    run = Sweep(database, objects, retention, is_dry, session_idle)
    for kind, sweeper in _SWEEPERS.items():
        if kind not in kinds:
            continue
        total = Portion()
        interrupted_by = None
        try:
            for portion in sweeper(run):
                total += portion
                if on_portion:
                    on_portion(kind, total)
        except _TROUBLE as error:
            interrupted_by = type(error).__name__
        yield Swept(kind, total, interrupted_by)
