"""Finds orphans: objects in the store that no row names and no row can name later.

A worker writes an object before the row that names the object, so an object without a row may get its row soon. The
fencing token in the object's key decides (docs/decisions/0015): only the claim with this token can name the object, and
a token that its row no longer has never returns. For an upload, the age decides, because an upload's row follows within
the same request.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain, islice
from uuid import UUID

from sqlalchemy import text

from storage import uploads
from storage.database import Database
from storage.generations import database_now
from storage.objects import ListedObject, ObjectStore
from storage.variants import claims as variants

PREFIXES = ("customers/", uploads.PREFIX, variants.PREFIX)

_SLICE = 500

# One statement has one snapshot, so it sees a key that moves from a claim to a generation to an asset in one of them.
# Objects of unknown customers are no orphans: they may belong to another system that uses the same bucket.
_ORPHANS = text("""
    SELECT listed.key
    FROM unnest(CAST(:keys AS text[]), CAST(:customers AS uuid[])) AS listed(key, customer_id)
    JOIN customers ON customers.id = listed.customer_id
    WHERE NOT EXISTS (SELECT FROM assets a WHERE a.object_key = listed.key AND a.expired_at IS NULL)
      AND NOT EXISTS (SELECT FROM generations g WHERE g.object_key = listed.key AND g.wake_at IS NOT NULL)
      AND NOT EXISTS (
          SELECT FROM generations g
          WHERE g.wake_at IS NOT NULL AND g.lease_token IS NOT NULL AND strpos(listed.key, g.lease_token::text) > 0
      )
      AND NOT EXISTS (SELECT FROM uploads u WHERE u.object_key = listed.key)
      AND NOT EXISTS (
          SELECT FROM variant_files f
          JOIN assets result ON result.generation_id = f.generation_id AND result.role = 'result'
          WHERE f.object_key = listed.key AND f.expired_at IS NULL AND result.expired_at IS NULL
      )
      AND NOT EXISTS (
          SELECT FROM variants v
          WHERE v.wake_at IS NOT NULL AND v.lease_token IS NOT NULL AND strpos(listed.key, v.lease_token::text) > 0
      )
""")


def find_orphans(database: Database, objects: ObjectStore, *, older_than: timedelta) -> Iterator[list[ListedObject]]:
    """Find the orphans that were written more than `older_than` ago, in slices."""
    with database.transaction() as session:
        before = database_now(session) - older_than
    every = chain.from_iterable(objects.list(prefix) for prefix in PREFIXES)
    candidates = (listed for listed in every if listed.modified_at < before)
    while listed := list(islice(candidates, _SLICE)):
        yield _orphans(database, listed)


def _orphans(database: Database, listed: Iterable[ListedObject]) -> list[ListedObject]:
    owned = {item.key: (item, owner) for item in listed if (owner := _owner(item.key)) is not None}
    with database.transaction() as session:
        keys = session.execute(
            _ORPHANS, {"keys": list(owned), "customers": [owner for _, owner in owned.values()]}
        ).scalars()
        return [owned[key][0] for key in keys]


def _owner(key: str) -> UUID | None:
    """The id of the customer whose folder contains the key. None without a customer's folder."""
    try:
        return UUID(key.split("/")[1])
    except (IndexError, ValueError):
        return None
