"""A long queue costs no more than a short one: what the database reads for a decision, or for a place."""

import pytest
from sqlalchemy import text

from tests.integration.admission.conftest import Account

_MANY = 3000

_ROWS = """
    INSERT INTO admissions (generation_id, provider, customer_id, model, vendor_model, place, held_by, lane, priority,
                            may_use_reserve, charge, turn, flow, flow_turn)
    SELECT gen_random_uuid(), :provider, md5((number % 5)::text)::uuid, 'a', 'a-model', :place, :held_by, 0, 1, false,
           10, number, '-', number
    FROM generate_series(1, :many) AS number
"""

_READ = """
    SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
    WHERE relname = 'admissions'
"""


def rows_read(account: Account, place: str, statement: str) -> int:
    """How many rows of the queue a statement reads, by a plan for all values, with many rows in one place."""
    held_by = "pause" if place == "held" else None
    given = {"provider": account.name, "place": place, "held_by": held_by, "many": _MANY}
    with account.database.transaction() as session:
        # The rows stand for generations that are not there.
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        session.execute(text("INSERT INTO admission_pauses (scope, name) VALUES ('model', 'a')"))
        session.execute(text(_ROWS), given)
        session.execute(text("ANALYZE admissions"))
        before = session.execute(text(_READ)).scalar_one()
        session.execute(text(statement), {"provider": account.name})
        read = int(session.execute(text(_READ)).scalar_one()) - int(before)
        session.rollback()
    return read


@pytest.mark.parametrize(
    ("place", "statement"),
    [
        ("held", "SELECT admission_release_held(20, 3600)"),
        ("waiting", "SELECT admission_ahead(:provider, '', 0, 1e9, 100)"),
    ],
    ids=["release", "ahead"],
)
def test_a_long_queue_is_not_read_as_a_whole(account: Account, place: str, statement: str) -> None:
    account.limit(in_flight=1)
    assert rows_read(account, place, statement) < _MANY
