"""What must always hold, checked against the database and the object store.

1. Every accepted generation is finished, or somebody will look at it: none is past its deadline and forgotten.
2. `completed` means exactly one capture and a result whose bytes match their SHA-256; `failed` and `cancelled` mean no
   hold left, and no capture, save for cancelled work that the provider bills; unfinished means a hold. The ledger sums
   to zero and every balance is its transfers' sum. What belongs to nothing does not stay in the store.
3. At most one accepted create for each generation and route.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from schemas.settings import RetentionSettings
from storage.audit import files, rows
from storage.audit.report import Breach, Report
from storage.audit.rows import EVERYTHING, the_last
from storage.database import Database
from storage.objects import ObjectStore

__all__ = ["Breach", "Report", "audit", "audit_online"]


def audit(
    database: Database,
    objects: ObjectStore,
    retention: RetentionSettings | None = None,
    *,
    on_object: Callable[[int, int], None] | None = None,
) -> Report:
    """Check everything, and read every stored object once.

    Args:
        retention: says from when on an object that belongs to nothing should be gone.
        on_object: told how many objects of how many have been read.
    """
    started_at = time.monotonic()
    found = rows.check(database, EVERYTHING)
    stored = files.check_assets(database, objects, on_object=on_object)
    orphan_age = timedelta(hours=(retention or RetentionSettings()).orphan_hours)
    orphans = files.check_orphans(database, objects, orphan_age=orphan_age)
    return Report(
        generations=found.generations,
        objects=stored.count,
        orphans=orphans.count,
        orphan_bytes=orphans.size_bytes,
        breaches=[*found.breaches, *stored.breaches, *orphans.breaches],
        seconds=time.monotonic() - started_at,
    )


def audit_online(database: Database, *, window: timedelta, limit_seconds: float = 5.0) -> Report:
    """Check what finished in the last `window` and what is unfinished, by indexes alone, and no stored object.

    Args:
        limit_seconds: each query is given up after this.

    Raises:
        OperationalError: a query took longer.
    """
    started_at = time.monotonic()
    found = rows.check(database, the_last(window, limit_seconds=limit_seconds))
    return Report(generations=found.generations, breaches=found.breaches, seconds=time.monotonic() - started_at)
