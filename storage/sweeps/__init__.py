"""Removing what the system no longer needs.

Each kind goes in slices, each a short transaction that skips what others hold: any number of sweeps may run at once and
beside a working system, and one that is stopped has lost nothing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from minio.error import MinioException
from sqlalchemy.exc import SQLAlchemyError
from urllib3.exceptions import HTTPError

from schemas.enums import SweepKind
from schemas.settings import RetentionSettings
from storage.database import Database
from storage.objects import ObjectStore
from storage.sweeps import files, rows
from storage.sweeps.base import Portion, Sweep

__all__ = ["Portion", "Swept", "sweep"]

_SWEEPERS: Mapping[SweepKind, Callable[[Sweep], Iterator[Portion]]] = {
    # What these two leave in the store, the next one finds another time.
    SweepKind.ASSETS: files.assets,
    SweepKind.UPLOADS: files.uploads,
    SweepKind.OBJECTS: files.orphans,
    SweepKind.MULTIPART: files.multipart_uploads,
    SweepKind.RECEIPTS: rows.receipts,
    SweepKind.KEYS: rows.idempotency_keys,
}

_TROUBLE = (SQLAlchemyError, MinioException, HTTPError, OSError)


@dataclass(frozen=True)
class Swept:
    """What a sweep removed of one kind, or a dry run found; `interrupted_by` names the error that ended it early."""

    kind: SweepKind
    total: Portion
    interrupted_by: str | None = None


def sweep(
    database: Database,
    objects: ObjectStore,
    retention: RetentionSettings,
    *,
    kinds: Collection[SweepKind] = tuple(SweepKind),
    is_dry: bool = False,
    on_portion: Callable[[SweepKind, Portion], None] | None = None,
) -> Iterator[Swept]:
    """Remove everything that is due, kind by kind; trouble with one kind does not keep the next from its turn.

    Args:
        is_dry: only look.
        on_portion: told the sum so far of each kind, after each slice.
    """
    run = Sweep(database, objects, retention, is_dry)
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
