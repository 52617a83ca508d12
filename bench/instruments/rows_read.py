"""Counts the rows that statements read, by PostgreSQL's own account of each execution."""

from collections.abc import Iterator
from typing import Any, TypeVar

from sqlmodel import Session

from storage.sql import Query, Sql, of, returns

T = TypeVar("T")

Node = dict[str, Any]
"""A node of a plan, as `EXPLAIN (FORMAT JSON)` gives it."""


class CountingSql(Sql):
    """Runs each query twice: once for its account, and once for its rows."""

    def __init__(self, session: Session) -> None:
        self._plain = of(session)
        self.rows = 0
        """The rows that the queries have read from tables and indexes, with those that a condition then removed."""
        self.plans: list[str] = []
        """The account of each query, a line for each read of a table or an index."""

    def all(self, query: Query[T], /, **given: object) -> list[T]:
        """Run a query and return every row."""
        ((account,),) = self._plain.all(_as_it_is(f"EXPLAIN (ANALYZE, FORMAT JSON) {query.text}"), **given)
        for node in _scans(account["Plan"]):
            self.rows += _rows(node)
            target = node.get("Index Name", node["Relation Name"])
            self.plans.append(f"{node['Node Type']} of {target}: {_rows(node)} rows")
        return self._plain.all(query, **given)


def _as_it_is(text: str) -> Query[list[Node]]:
    return returns(lambda value: value)(text)


def _scans(node: Node) -> Iterator[Node]:
    """The nodes that read tables."""
    if "Relation Name" in node:
        yield node
    for child in node.get("Plans", []):
        yield from _scans(child)


def _rows(node: Node) -> int:
    rows = [
        float(node["Actual Rows"]),
        *(float(value) for name, value in node.items() if name.startswith("Rows Removed")),
    ]
    return round(sum(rows) * int(node["Actual Loops"]))
