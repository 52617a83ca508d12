"""Objects in the store that belong to nothing, and never will.

Bytes are written before the row that names them, so an object without a row may be one whose row is on its way. What
tells the two apart is the fencing token in the object's key (docs/decisions/0015): only the claim that holds that token
can still name the object, and a token that is no longer its row's never comes back. Of a customer's upload, whose row
follows within the request that brings it, the age tells.
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

PREFIXES = ("customers/", uploads.PREFIX)

_SLICE = 500

# One statement, so one snapshot: a key that moves from a claim to a generation to an asset is seen in one of them.
# Of a customer that this database does not know nothing is an orphan: it may be another system's, in the same bucket.
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
""")


def find_orphans(database: Database, objects: ObjectStore, *, older_than: timedelta) -> Iterator[list[ListedObject]]:
    """Slices of the objects that no row names and none can name any more, written longer ago than `older_than`."""
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
    """The customer whose folder it is in."""
    try:
        return UUID(key.split("/")[1])
    except (IndexError, ValueError):
        return None
