"""A long queue costs no more than a short one: what the database reads for a decision, or for a place."""

import pytest
from sqlalchemy import text

from storage import routes
from storage.sql import of
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


_AWAY = """
    INSERT INTO route_health (provider, vendor_model, opened_at, retry_at, changed_at)
    VALUES (:provider, 'a-model', now(), now() + interval '1 minute', now())
"""
_OUT_OF_MONEY = """
    INSERT INTO admission_accounts (provider, closed_reason, closed_until)
    VALUES (:provider, 'no_money', now() + interval '5 minutes')
    ON CONFLICT (provider) DO UPDATE SET closed_reason = 'no_money', closed_until = excluded.closed_until
"""


# Another account can take each of them, and a worker looked at them a minute ago.
_MOVABLE = """
    INSERT INTO generations (
        id, customer_id, request_hash, kind, model, "order", credits, stage, progress, wake_at, deadline_at, attempt,
        failures, provider, route_index, result_urls, claimed_at
    )
    SELECT generation_id, customer_id, 'a hash', 'image', 'a', jsonb_build_object('routes', jsonb_build_array(
               jsonb_build_object('provider', provider, 'model', 'a-model'), '{"provider": "free", "model": "b"}'::jsonb
           )), 10, 'queued', 0, now() + interval '1 day', now() + interval '1 day', 1, 0, provider, 0, '[]',
           now() - interval '1 minute'
    FROM admissions WHERE provider = :provider
"""
_READ_ALL = """
    SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
    WHERE relname IN ('admissions', 'generations')
"""
_WOKEN = "SELECT count(*) FROM generations WHERE provider = :provider AND wake_at < now() + interval '1 minute'"


@pytest.mark.parametrize("customers", [1, 5000])
@pytest.mark.parametrize("trouble", [_AWAY, _OUT_OF_MONEY], ids=["route", "account"])
def test_each_look_for_other_routes_reads_a_part_of_a_long_queue(
    account: Account, trouble: str, customers: int
) -> None:
    given = {"provider": account.name, "place": "waiting", "held_by": None, "many": 5 * _MANY}
    with account.database.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(trouble), given)
        session.execute(text(_ROWS.replace("% 5", f"% {customers}")), given)
        session.execute(text(_MOVABLE), given)
        session.execute(text("ANALYZE admissions, generations"))
        before = session.execute(text(_READ_ALL)).scalar_one()
        routes.wake_those_with_another_route(of(session))
        read = int(session.execute(text(_READ_ALL)).scalar_one()) - int(before)
        woken = session.execute(text(_WOKEN), given).scalar_one()
        session.rollback()
    assert read < 4 * _MANY
    assert woken > 0
