"""Finds generations by what an operator has at hand: an id, a reference, a customer or an error code."""

from uuid import UUID

from schemas.enums import ErrorCode
from storage import lookup
from storage.sql import Sql, returns
from storage.watching import rows
from storage.watching.rows import MOST, Found

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
    SELECT id FROM generations WHERE error_code = %(given)s ORDER BY finished_at DESC LIMIT %(most)s
""")


def search(sql: Sql, given: str) -> Found:
    """The generations that a text means. The first way that finds some decides."""
    text = given.strip()
    if found := [each.id for each in lookup.find(sql, text)]:
        return _found(sql, found, "an id or a reference")
    lowest, highest = lookup.id_range(text) or (None, None)
    if customers := sql.all(_CUSTOMERS, given=text, lowest=lowest, highest=highest, most=MOST):
        return _found(sql, sql.all(_OF_CUSTOMERS, customers=customers, most=MOST), "a customer")
    if text in set(ErrorCode) and (found := sql.all(_BY_ERROR, given=text, most=MOST)):
        return _found(sql, found, "an error code")
    return Found([], {}, "nothing")


def _found(sql: Sql, ids: list[UUID], told: str) -> Found:
    return Found(rows.read(sql, ids), {}, told)
