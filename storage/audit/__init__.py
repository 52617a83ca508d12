"""Checks five rules against the database and the object store.

1. Every accepted generation is finished or has a time of its next look. No generation is forgotten past its deadline.
2. A completed generation has exactly one capture of its price, and a result whose bytes match their SHA-256. A failed
   or cancelled generation has no hold left and no capture, except cancelled work that the provider bills. An unfinished
   generation has a hold. A free one has no transfers. Test customers order at twins, and no others do. The ledger
   sums to zero, and every balance is the sum of its transfers. Orphans do not stay in the store.
3. Each generation has at most one accepted create on each route.
4. Each event of the last hours has one delivery for each webhook endpoint that hears the event.
5. At an account with limits, a generation has a place exactly while the provider may have the work.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from schemas.setting_groups import RetentionSettings
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
    """Check all rules, and read every stored object once.

    Args:
        retention: contains the age at which a sweep removes orphans.
        on_object: called with the number of objects read so far and the number of all objects.
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
    """Check unfinished generations and generations that finished in the last `window`.

    The queries use indexes alone, and no stored object is read.

    Args:
        limit_seconds: the longest time of each query.

    Raises:
        OperationalError: a query took longer.
    """
    started_at = time.monotonic()
    found = rows.check(database, the_last(window, limit_seconds=limit_seconds))
    return Report(generations=found.generations, breaches=found.breaches, seconds=time.monotonic() - started_at)
