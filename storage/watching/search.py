"""Finds generations by what an operator has at hand: an id, a vendor's id, a customer, an error code or a reference."""

from typing import Final
from uuid import UUID

from schemas.enums import ErrorCode
from storage import lookup
from storage.sql import Query, Sql, returns
from storage.watching import rows
from storage.watching.rows import MOST, Found

NEWEST: Final = 20_000
"""Error codes and references have no index. The search for them reads so many of the newest ended generations."""

_CUSTOMERS = returns(UUID)("""
    SELECT id FROM customers
    WHERE id BETWEEN %(lowest)s AND %(highest)s OR name = %(given)s OR reference = %(given)s LIMIT %(most)s
""")

_OF_CUSTOMERS = returns(UUID)("""
    SELECT generation_id FROM unnest(%(customers)s::uuid[]) AS wanted (id), LATERAL (
        SELECT generation_id, created_at FROM generation_labels
        WHERE customer_id = wanted.id ORDER BY created_at DESC, generation_id DESC LIMIT %(most)s
    ) AS newest
    ORDER BY created_at DESC, generation_id DESC LIMIT %(most)s
""")

_BY_ERROR = returns(UUID)("""
    SELECT id FROM (
        SELECT id, error_code FROM generations WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT %(newest)s
    ) AS newest
    WHERE error_code = %(given)s LIMIT %(most)s
""")

_BY_REFERENCE = returns(UUID)("""
    SELECT id FROM (
        SELECT id, created_at, "order" FROM generations WHERE wake_at IS NOT NULL
        UNION ALL
        (SELECT id, created_at, "order" FROM generations WHERE finished_at IS NOT NULL
         ORDER BY finished_at DESC LIMIT %(newest)s)
    ) AS newest
    WHERE "order" ->> 'reference' = %(given)s ORDER BY created_at DESC LIMIT %(most)s
""")


def search(sql: Sql, given: str) -> Found:
    """The generations that a text means. The first way that finds some decides."""
    text = given.strip()
    if found := [each.id for each in lookup.find(sql, text)]:
        return _found(sql, found, "an id")
    lowest, highest = lookup.id_range(text) or (None, None)
    if customers := sql.all(_CUSTOMERS, given=text, lowest=lowest, highest=highest, most=MOST):
        return _found(sql, sql.all(_OF_CUSTOMERS, customers=customers, most=MOST), "a customer")
    ways: list[tuple[str, Query[UUID]]] = [("a reference", _BY_REFERENCE)]
    if text in set(ErrorCode):
        ways.insert(0, ("an error code", _BY_ERROR))
    for told, query in ways:
        if found := sql.all(query, given=text, newest=NEWEST, most=MOST):
            return _found(sql, found, told)
    return Found([], {}, "nothing")


def _found(sql: Sql, ids: list[UUID], told: str) -> Found:
    return Found(rows.read(sql, ids), {}, told)
