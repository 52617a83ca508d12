"""The peers' ledger. It is as strict as ours; otherwise the comparison would be unfair."""

from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.errors import CheckViolation

from bench.peers import ledger
from bench.peers.audit import audit

_PRICE = ledger.PRICE


def balance(books: psycopg.Connection) -> tuple[int, int]:
    row = books.execute("SELECT available, held FROM balances").fetchone()
    assert row is not None
    return row[0], row[1]


def stage(books: psycopg.Connection, order_id: UUID) -> str:
    row = books.execute("SELECT stage FROM orders WHERE id = %s", [order_id]).fetchone()
    assert row is not None
    return str(row[0])


def place(books: psycopg.Connection, customer_id: UUID) -> UUID:
    order_id = uuid4()
    order = {"order_id": order_id, "customer_id": customer_id, "prompt": "a boat", "credits": _PRICE}
    books.execute(ledger.ACCEPT, order)
    return order_id


def settle(books: psycopg.Connection, order_id: UUID, *, size_bytes: int = 7) -> None:
    asset = {"object_key": f"{order_id}.png", "size_bytes": size_bytes, "sha256": "00"}
    books.execute(ledger.SETTLE, {"order_id": order_id, **asset})


def test_key_finds_only_its_own_customer(books: psycopg.Connection, customer_id: UUID) -> None:
    found = [
        books.execute(ledger.AUTHENTICATE, {"key_hash": ledger.key_hash(key)}).fetchone()
        for key in ("a key", "another key")
    ]
    assert found == [(customer_id,), None]


def test_order_holds_its_price_until_it_is_settled(books: psycopg.Connection, customer_id: UUID) -> None:
    order_id = place(books, customer_id)
    assert balance(books) == (_PRICE * 3 // 2, _PRICE)
    books.execute(ledger.SUBMITTED, {"order_id": order_id, "remote_id": "task_1"})
    assert stage(books, order_id) == "submitted"
    settle(books, order_id)
    assert stage(books, order_id) == "completed"
    assert balance(books) == (_PRICE * 3 // 2, 0)
    assert audit(books, {f"{order_id}.png": 7}) == []


def test_settling_twice_captures_once(books: psycopg.Connection, customer_id: UUID) -> None:
    order_id = place(books, customer_id)
    settle(books, order_id)
    settle(books, order_id, size_bytes=8)
    assert balance(books) == (_PRICE * 3 // 2, 0)
    assert audit(books, {f"{order_id}.png": 7}) == []


def test_completed_order_stays_completed_when_its_submit_is_recorded_late(
    books: psycopg.Connection, customer_id: UUID
) -> None:
    order_id = place(books, customer_id)
    settle(books, order_id)
    books.execute(ledger.SUBMITTED, {"order_id": order_id, "remote_id": "task_1"})
    assert stage(books, order_id) == "completed"


def test_failed_order_returns_its_credits_and_cannot_be_settled(books: psycopg.Connection, customer_id: UUID) -> None:
    order_id = place(books, customer_id)
    books.execute(ledger.RELEASE, {"order_id": order_id, "error": "no"})
    settle(books, order_id)
    assert stage(books, order_id) == "failed"
    assert balance(books) == (_PRICE * 5 // 2, 0)
    assert audit(books, {}) == ["1 orders failed"]


def test_order_without_enough_credits_is_refused(books: psycopg.Connection, customer_id: UUID) -> None:
    place(books, customer_id)
    place(books, customer_id)
    with pytest.raises(CheckViolation, match="available_never_below_zero"):
        place(books, customer_id)
    assert balance(books) == (_PRICE // 2, 2 * _PRICE)
    assert books.execute("SELECT count(*) FROM orders").fetchone() == (2,)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        ("UPDATE orders SET stage = 'submitted'", "1 orders are unfinished"),
        ("DELETE FROM assets", "1 completed orders have no asset"),
        ("DELETE FROM transfers WHERE kind = 'capture'", "1 orders have other transfers than they should"),
        ("UPDATE balances SET available = available + 1", "1 balances are not the sum of their transfers"),
        ("UPDATE balances SET held = held + 5", "-5 credits are missing from the sum of all accounts"),
        ("UPDATE assets SET size_bytes = 8", "1 files are missing or of another size"),
        ("UPDATE assets SET object_key = 'elsewhere'", "1 files are missing or of another size, e.g. elsewhere"),
    ],
)
def test_audit_reports_each_kind_of_error(
    books: psycopg.Connection, customer_id: UUID, damage: str, problem: str
) -> None:
    order_id = place(books, customer_id)
    settle(books, order_id)
    assert audit(books, {f"{order_id}.png": 7}) == []
    books.execute(damage.encode())
    assert [found for found in audit(books, {f"{order_id}.png": 7}) if found.startswith(problem)]
