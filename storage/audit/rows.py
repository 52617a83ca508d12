"""Checks the rows against each other, in one snapshot."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import text
from sqlmodel import Session

from storage.audit.report import Breach
from storage.audit.rules import RULES, Rule
from storage.database import Database


@dataclass(frozen=True)
class Extent:
    """The part of the database that an audit reads."""

    is_online: bool
    """True: run only the rules that read little beside a busy system."""
    scope: str
    """An SQL condition on a generation `g`."""
    customers: str
    """An SQL condition on a ledger account `a`."""
    limit_seconds: float
    """The longest time of each query."""
    parameters: dict[str, float] = field(default_factory=dict)
    """The parameters of the conditions."""

    def query(self, template: str) -> str:
        """Put the conditions of this extent into a query of `storage.audit.rules`."""
        return template.replace("{customers}", self.customers).replace("{scope}", self.scope)


EVERYTHING = Extent(is_online=False, scope="TRUE", customers="TRUE", limit_seconds=600)


def the_last(window: timedelta, *, limit_seconds: float) -> Extent:
    """The unfinished generations, and the generations that finished in the last `window`. Indexes find these rows."""
    return Extent(
        is_online=True,
        scope="g.finished_at >= now() - make_interval(secs => :window)",
        customers="""a.customer_id IN (
            SELECT g.customer_id FROM generations g WHERE {scope}
            UNION SELECT customer_id FROM generations WHERE wake_at IS NOT NULL
        )""",
        limit_seconds=limit_seconds,
        parameters={"window": window.total_seconds()},
    )


@dataclass(frozen=True)
class Rows:
    """The result of a check of rows."""

    generations: int
    """The number of checked generations."""
    breaches: list[Breach]
    """The breaches."""


_COUNT = """
    SELECT (SELECT count(*) FROM generations g WHERE {scope} AND g.wake_at IS NULL)
         + (SELECT count(*) FROM generations WHERE wake_at IS NOT NULL)
"""


def check(database: Database, extent: Extent) -> Rows:
    """Run every rule that suits the extent."""
    with database.transaction() as session:
        # One snapshot for all rules: a generation may move during the check.
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        session.execute(
            text("SELECT set_config('statement_timeout', :limit, true)"),
            {"limit": f"{round(extent.limit_seconds * 1000)}ms"},
        )
        generations: int = session.execute(text(extent.query(_COUNT)), extent.parameters).scalar_one()
        rules = [rule for rule in RULES if rule.is_online or not extent.is_online]
        return Rows(generations, [breach for rule in rules for breach in _broken(session, rule, extent)])


def _broken(session: Session, rule: Rule, extent: Extent) -> Iterator[Breach]:
    for subject, problem in session.execute(text(extent.query(rule.query)), extent.parameters):
        yield Breach(rule.number, subject, problem)
