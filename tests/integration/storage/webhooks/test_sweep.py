"""The sweep of messages, of callback URLs and of deleted endpoints."""

from collections.abc import Callable
from uuid import UUID

import pytest

from schemas.enums import SweepKind
from schemas.setting_groups import RetentionSettings
from schemas.settings import Settings
from schemas.tables import Generation
from storage import erasure, transitions
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of, returns
from storage.sweeps import base, sweep
from storage.webhooks import callback_urls, endpoints
from tests.support import NewCustomer, a_generation, an_order

URL = "https://shop.example/hooks"

_COUNT = returns(lambda *counts: list(counts))("""
    SELECT (SELECT count(*) FROM webhook_endpoints), (SELECT count(*) FROM webhook_generations),
           (SELECT count(*) FROM webhook_deliveries), (SELECT count(*) FROM webhook_attempts)
""")

_ATTEMPTS = """
    INSERT INTO webhook_attempts (delivery_id, number, status, seconds) SELECT id, 1, 200, 0.1 FROM webhook_deliveries
"""

_AGE = """
    UPDATE webhook_deliveries SET created_at = now() - make_interval(days => %(days)s);
    UPDATE webhook_generations SET created_at = now() - make_interval(days => %(days)s);
    UPDATE webhook_endpoints SET used_at = now() - make_interval(days => %(days)s)
"""


def _rows(database: Database) -> list[int]:
    """The endpoints, the links of generations, the deliveries and the attempts."""
    with database.statement() as sql:
        return sql.all(_COUNT)[0]


def _run(database: Database, statements: str, **given: object) -> None:
    with database.statements() as sql:
        for statement in statements.split(";"):
            sql.run(statement, **given)


def _swept(database: Database, objects: ObjectStore, *, is_dry: bool = False) -> int:
    kinds = [SweepKind.WEBHOOKS]
    return sum(one.total.count for one in sweep(database, objects, RetentionSettings(), kinds=kinds, is_dry=is_dry))


def _ordered(database: Database, settings: Settings, customer: NewCustomer, *, ends: bool = True) -> UUID:
    order = an_order().model_copy(update={"callback_url": URL})
    generation_id = a_generation(database, settings, customer, order)
    if ends:
        with database.transaction() as session:
            transitions.cancel_unsent(of(session), session.get_one(Generation, generation_id))
    return generation_id


def test_old_messages_and_unused_callback_urls_go(
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Callable[[int], NewCustomer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "SLICE", 2)
    customer = make_customer(100)
    for _ in range(3):
        _ordered(database, settings, customer)
    with database.transaction() as session:
        endpoints.create(session, customer.id, URL, types=["*"])
    _run(database, _ATTEMPTS)
    assert _rows(database) == [2, 3, 3, 3]

    _run(database, _AGE, days=29)
    assert (_swept(database, objects), _rows(database)) == (0, [2, 3, 3, 3])
    _run(database, _AGE, days=31)
    _run(database, "UPDATE webhook_deliveries SET state = 'delivered'")
    assert _swept(database, objects, is_dry=True) == 6
    assert _rows(database) == [2, 3, 3, 3]
    assert _swept(database, objects) == 7
    # The endpoint that the customer made stays.
    assert _rows(database) == [1, 0, 0, 0]


def test_old_message_that_waits_for_its_next_try_stays_until_its_endpoint_is_paused(
    database: Database, settings: Settings, objects: ObjectStore, make_customer: Callable[[int], NewCustomer]
) -> None:
    _ordered(database, settings, make_customer(100))
    _run(database, "UPDATE webhook_deliveries SET created_at = now() - interval '31 days'")
    assert (_swept(database, objects), _rows(database)) == (0, [1, 1, 1, 0])
    _run(database, "UPDATE webhook_endpoints SET paused_at = now()")
    assert (_swept(database, objects), _rows(database)) == (1, [1, 1, 0, 0])


def test_callback_url_stays_while_an_order_uses_it(
    database: Database, settings: Settings, objects: ObjectStore, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(100)
    _ordered(database, settings, customer, ends=False)
    _run(database, _AGE, days=31)
    assert (_swept(database, objects), _rows(database)) == (0, [1, 1, 0, 0])
    with database.statements() as sql:
        first = callback_urls.endpoints_of(sql, customer.id, [URL])
    _run(database, "UPDATE webhook_generations SET created_at = now() - interval '31 days'")
    with database.transaction() as session:
        transitions.cancel_unsent(of(session), session.get_one(Generation, *_ids(database)))
    # An order has named the URL within the hour.
    assert (_swept(database, objects), _rows(database)) == (1, [1, 0, 1, 0])
    with database.statements() as sql:
        assert callback_urls.endpoints_of(sql, customer.id, [URL]) == first


def _ids(database: Database) -> list[UUID]:
    with database.statement() as sql:
        return sql.all(returns(UUID)("SELECT id FROM generations"))


def test_rows_of_a_deleted_endpoint_go_an_hour_later(
    database: Database, settings: Settings, objects: ObjectStore, make_customer: Callable[[int], NewCustomer]
) -> None:
    _ordered(database, settings, make_customer(100))
    with database.transaction() as session:
        (row,) = endpoints.listed(session, None, endpoints.Filter(), None, limit=10).rows
        endpoints.delete(session, row)
    assert (_swept(database, objects), _rows(database)) == (0, [1, 1, 1, 0])
    _run(database, "UPDATE webhook_endpoints SET deleted_at = now() - interval '2 hours'")
    assert (_swept(database, objects), _rows(database)) == (3, [0, 0, 0, 0])


def test_deleted_generation_loses_the_messages_that_have_ended(
    database: Database, settings: Settings, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer = make_customer(100)
    waiting, told = (_ordered(database, settings, customer) for _ in range(2))
    _run(database, _ATTEMPTS)
    _run(database, "UPDATE webhook_deliveries SET state = 'delivered' WHERE generation_id = %(told)s", told=told)
    with database.statements() as sql:
        for generation_id in (waiting, told):
            transitions.erase(sql, generation_id)
    with database.transaction() as session:
        assert [session.get_one(Generation, each).order["callback_url"] for each in (waiting, told)] == [None, None]
    with database.statement() as sql:
        assert sql.all(returns(UUID)("SELECT generation_id FROM webhook_deliveries")) == [waiting]


def test_deleted_customer_leaves_no_url_and_no_message(
    database: Database, settings: Settings, objects: ObjectStore, make_customer: Callable[[int], NewCustomer]
) -> None:
    customer, other = make_customer(100), make_customer(100)
    _ordered(database, settings, customer)
    _ordered(database, settings, other)
    unfinished = _ordered(database, settings, customer, ends=False)
    _run(database, "UPDATE generations SET stage = 'generating' WHERE id = %(id)s", id=unfinished)

    erasure.delete_customer(database, objects, customer.id)

    with database.statement() as sql:
        assert min(sql.all(returns(str)("SELECT url || secret FROM webhook_endpoints"))) == ""
        assert sql.all(returns(UUID)("SELECT customer_id FROM webhook_deliveries")) == [other.id]
