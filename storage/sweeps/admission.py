"""The sweepers of admission: creates of past windows, and the turns of customers who have not ordered for a day."""

from collections.abc import Iterator
from itertools import chain

from sqlalchemy import text

from storage.sweeps.base import Portion, Sweep, in_slices

# A day, so that a longer window that an operator sets finds the creates of today.
_AGE_DAYS = 1.0

# A window can be longer than a day: such an account keeps its creates for as long. Both the limits of the operator and
# the declared ones count, because the operator may return to the declared ones. A create that no place waits to send
# must not take room for ever.
_PAST = """
    at < now() - make_interval(secs => greatest(CAST(:age AS float8), 60 + (
        SELECT max(seconds::float8) FROM admission_accounts a,
            jsonb_path_query(jsonb_build_array(a.declared, a.override), '$.**.creates[*].seconds') AS seconds
        WHERE a.provider = admission_creates.provider
    ))) OR (at = 'infinity' AND NOT EXISTS (
        SELECT FROM admissions a
        WHERE a.provider = admission_creates.provider AND a.place = 'granted' AND a.create_id = admission_creates.id
    ))
"""
_DELETE_CREATES = text(f"""
    WITH due AS (
        SELECT id FROM admission_creates WHERE {_PAST} ORDER BY id LIMIT :slice FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM admission_creates USING due WHERE admission_creates.id = due.id RETURNING 1
    )
    SELECT count(*) FROM deleted
""")  # noqa: S608 -- constants

_COUNT_CREATES = text(f"SELECT count(*), 0 FROM admission_creates WHERE {_PAST}")  # noqa: S608 -- a constant

# The turn of a customer without a row is that of the account's virtual time.
_UNUSED = """
    used_at < now() - make_interval(secs => CAST(:age AS float8)) AND NOT EXISTS (
        SELECT FROM admissions a
        WHERE a.customer_id = admission_shares.customer_id AND a.provider = admission_shares.provider
            AND a.place IN ('waiting', 'held')
    )
"""

_DELETE_SHARES = text(f"""
    WITH due AS (
        SELECT provider, customer_id, flow FROM admission_shares
        WHERE {_UNUSED} ORDER BY used_at LIMIT :slice FOR UPDATE SKIP LOCKED
    ), deleted AS (
        DELETE FROM admission_shares USING due
        WHERE admission_shares.provider = due.provider AND admission_shares.customer_id = due.customer_id
            AND admission_shares.flow = due.flow
        RETURNING 1
    )
    SELECT count(*) FROM deleted
""")  # noqa: S608 -- constants

_COUNT_SHARES = text(f"SELECT count(*), 0 FROM admission_shares WHERE {_UNUSED}")  # noqa: S608 -- a constant


def admission(run: Sweep) -> Iterator[Portion]:
    """Remove the creates that no window counts, and the turns that no order needs."""
    return chain(
        in_slices(run, _AGE_DAYS, remove=_DELETE_CREATES, count=_COUNT_CREATES),
        in_slices(run, _AGE_DAYS, remove=_DELETE_SHARES, count=_COUNT_SHARES),
    )
