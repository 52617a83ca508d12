"""Generations before a provider account with limits, and the decisions of the database."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from schemas.enums import Stage
from schemas.limits import AccountLimits, Priority
from schemas.orders import Route
from schemas.settings import Settings
from storage import admission, claims, transitions
from storage.admission import Ask
from storage.claims import Claim
from storage.database import Database
from storage.sql import of
from tests.model.clock import Clock
from tests.support import NewCustomer, a_generation, an_order, new_customer, some_claim

A_DAY = 86_400.0


@dataclass
class Account:
    """A provider account, and the generations that ask for its places."""

    database: Database
    """The database."""
    settings: Settings
    """The settings of the orders."""
    name: str = field(default_factory=lambda: f"account{uuid4().hex[:8]}")
    """The account."""

    @property
    def route(self) -> Route:
        """The route that all generations ask for."""
        return Route(provider=self.name, model="a-model")

    def limit(self, **limits: object) -> None:
        """Give the account limits."""
        with self.database.statement() as sql:
            admission.declare(sql, {self.name: AccountLimits.model_validate(limits)})

    def an_hour_passes(self) -> None:
        """Every create so far left an hour earlier."""
        self.run(
            "UPDATE admission_creates SET at = least(at, clock_timestamp()) - interval '62 minutes' "
            "WHERE provider = :name",
            name=self.name,
        )

    def customer(self) -> NewCustomer:
        """A customer who can pay for everything."""
        return new_customer(self.database, 1_000_000)

    def asks(
        self,
        customer: NewCustomer,
        *,
        priority: Priority = Priority.NORMAL,
        reserve: bool = False,
        cost: float = 10.0,
        flow: str = "-",
        pool: str = "",
        work_seconds: float | None = 600.0,
        start_by: datetime | None = None,
        generation_id: UUID | None = None,
    ) -> "Asked":
        """A generation of a customer asks for a place. Works of one cost are of one kind."""
        if generation_id is None:
            order = an_order()
            inputs = order.inputs.model_copy(update={"duration_seconds": int(cost)})
            order = order.model_copy(update={"inputs": inputs})
            generation_id = a_generation(self.database, self.settings, customer, order)
        claim = self.claim(generation_id)
        wanted = Ask(
            provider=self.name, pool=pool, vendor_model="a-model", priority=priority, may_use_reserve=reserve,
            cost=cost, flow=flow, work_seconds=work_seconds, start_by=start_by,
        )  # fmt: skip
        with self.database.statement() as sql:
            has_place, others = admission.ask(sql, claim, wanted, longest_wait=A_DAY, most=20, wake_in=10)
        return Asked(claim, has_place, [one.generation_id for one in others])

    def claim(self, generation_id: UUID, stage: Stage = Stage.QUEUED) -> Claim:
        """Claim a generation."""
        with self.database.transaction() as session:
            attempt = session.execute(
                text("SELECT attempt FROM generations WHERE id = :id"), {"id": generation_id}
            ).scalar_one()
            return some_claim(claims.claim(of(session), generation_id, {stage}, attempt=attempt, lease_seconds=600))

    def grant(self) -> list[UUID]:
        """Hand out the free places. Returns the generations that got one."""
        with self.database.statement() as sql:
            return [one.generation_id for one in admission.grant(sql, self.name, most=20, wake_in=10)]

    def release(self) -> None:
        """Put back into the queue what nothing holds any more."""
        with self.database.statement() as sql:
            admission.release_held(sql, most=20, low_waits=3600)

    def ends(self, asked: "Asked | UUID") -> None:
        """The provider has refused the generation for good: its place is free."""
        claim = asked.claim if isinstance(asked, Asked) else self.claim(asked)
        with self.database.statements() as sql:
            transitions.cancel(sql, claim, "the test ends it", is_charged=False)

    def run(self, statement: str, **given: object) -> None:
        """Run a statement."""
        with self.database.transaction() as session:
            session.execute(text(statement), given)


@dataclass
class Asked:
    """A generation that asked for a place."""

    claim: Claim
    """The claim of the ask."""
    has_place: bool
    """Whether it got one."""
    others: list[UUID]
    """Others that got a place by the same decision."""

    @property
    def id(self) -> UUID:
        """The generation."""
        return self.claim.id


@dataclass
class StillAccount:
    """An account under a clock that stands still: a slow machine changes no decision."""

    account: Account
    """The account."""
    clock: Clock
    """The clock of the database. Only the test moves it."""


@pytest.fixture
def still(database: Database, settings: Settings) -> Iterator[StillAccount]:
    """An account without limits, under a clock of the test."""
    own = Database(settings.database_url)
    try:
        clock = Clock(own, lock_timeout="5min")
        _creates_read(database, "model.clock_timestamp()")
        yield StillAccount(Account(own, settings), clock)
    finally:
        own.dispose()
        _creates_read(database, "clock_timestamp()")


def _creates_read(database: Database, clock: str) -> None:
    """Set the clock of new creates: a default names its function once and for all."""
    with database.transaction() as session:
        session.execute(text(f"ALTER TABLE admission_creates ALTER granted_at SET DEFAULT {clock}"))


@pytest.fixture
def account(database: Database, settings: Settings) -> Account:
    """An account without limits."""
    return Account(database, settings)


@pytest.fixture
def make_account(database: Database, settings: Settings) -> Callable[[], Account]:
    """Makes accounts."""
    return lambda: Account(database, settings)
