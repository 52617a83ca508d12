"""The circuit breaker of a route, which all processes share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from schemas.admission_settings import AdmissionSettings
from schemas.enums import Stage
from schemas.orders import Route
from schemas.route_tables import BreakerState
from storage import routes
from storage.routes import Reported
from tests.integration.admission.conftest import Account

SETTINGS = AdmissionSettings()
AWAY = "the vendor does not answer"
UNCHANGED = Reported(is_open=False, change=None)
STAYS_OPEN = Reported(is_open=True, change=None)


@dataclass
class Breaker:
    """The breaker of a route of its own."""

    account: Account
    route: Route = field(default_factory=lambda: Route(provider=f"account{uuid4().hex[:8]}", model="a/model"))

    def fails(self, generation: UUID | None = None, *, answered: int = 0, is_create: bool = True) -> Reported:
        """A call fails, after so many others that were answered."""
        return self._report(generation, is_create, answered, AWAY)

    def answers(self, generation: UUID | None = None, *, times: int = 1, is_create: bool = True) -> Reported:
        """Calls are answered."""
        return self._report(generation, is_create, times, None)

    def _report(self, generation: UUID | None, is_create: bool, answered: int, reason: str | None) -> Reported:
        with self.account.database.statement() as sql:
            return routes.report(
                sql, self.route, generation or uuid4(), SETTINGS, is_create=is_create, answered=answered, reason=reason
            )

    def opens(self) -> None:
        """Five creates in a row fail."""
        assert [self.fails().is_open for _ in range(5)] == [False] * 4 + [True]

    def admits(self, generation: UUID) -> bool:
        """Whether a create may leave."""
        with self.account.database.statement() as sql:
            return routes.admits(sql, self.route, generation)

    def pause_ends(self) -> None:
        """The pause is over."""
        self.set("retry_at = clock_timestamp()")

    def stays_open(self) -> None:
        """The pause is longer than any test."""
        self.set("retry_at = clock_timestamp() + interval '10 minutes'")

    def set(self, assignment: str) -> None:
        """Change the row directly, to imitate the passing of time."""
        self.account.run(f"UPDATE route_health SET {assignment} WHERE provider = :name", name=self.route.provider)

    def pause(self) -> int:
        """The seconds of the pause, from the newest change on."""
        whole = """
            SELECT extract(epoch FROM retry_at - (SELECT max(at) FROM route_changes WHERE provider = :name))
            FROM route_health WHERE provider = :name
        """
        with self.account.database.transaction() as session:
            seconds: float = session.execute(text(whole), {"name": self.route.provider}).scalar_one()
        return round(seconds)

    def timeline(self) -> list[BreakerState]:
        """The states that the breaker took, the oldest first."""
        with self.account.database.statement() as sql:
            return [change.state for change in routes.changes(sql, name=self.route.provider, most=100)][::-1]

    def generation(self) -> UUID:
        """A generation that a worker has just claimed."""
        asked = self.account.asks(self.account.customer())
        return asked.id


@pytest.fixture
def breaker(account: Account) -> Breaker:
    """The breaker of a route that never failed."""
    return Breaker(account)


def test_five_failures_in_a_row_open_the_breaker_for_all(breaker: Breaker) -> None:
    assert [breaker.fails() for _ in range(4)] == [UNCHANGED] * 4
    assert breaker.admits(uuid4())
    assert breaker.fails() == Reported(is_open=True, change=BreakerState.OPEN)
    assert not breaker.admits(uuid4())
    assert breaker.timeline() == ["open"]


def test_failures_among_more_answers_open_nothing(breaker: Breaker) -> None:
    assert [breaker.fails(answered=2) for _ in range(30)] == [UNCHANGED] * 30


def test_a_busy_route_opens_after_some_failures_however_well_it_worked_before(breaker: Breaker) -> None:
    breaker.fails(answered=100_000)
    failures = 1
    while not breaker.fails().is_open:
        failures += 1
    assert 10 <= failures <= 20


def test_answered_reads_do_not_hide_failing_creates(breaker: Breaker) -> None:
    for _ in range(4):
        breaker.fails()
        breaker.fails(answered=100, is_create=False)
    assert breaker.fails().is_open


def test_failing_reads_open_the_breaker(breaker: Breaker) -> None:
    assert [breaker.fails(is_create=False).is_open for _ in range(5)] == [False] * 4 + [True]


def test_failures_before_a_quiet_minute_do_not_count(breaker: Breaker) -> None:
    for _ in range(4):
        breaker.fails()
    breaker.set("counted_at = counted_at - interval '61 seconds'")
    assert [breaker.fails().is_open for _ in range(4)] == [False] * 4


def test_one_probe_leaves_when_the_pause_is_over(breaker: Breaker) -> None:
    breaker.opens()
    breaker.stays_open()
    probe, other = breaker.generation(), breaker.generation()
    assert not breaker.admits(probe)
    breaker.pause_ends()
    assert breaker.admits(probe)
    assert not breaker.admits(other)
    assert breaker.admits(probe), "the probe may ask again"
    assert breaker.timeline() == ["open", "half_open"]


def test_only_an_answered_probe_closes_the_breaker(breaker: Breaker) -> None:
    breaker.opens()
    probe, other = breaker.generation(), breaker.generation()
    breaker.pause_ends()
    assert breaker.admits(probe)
    assert breaker.answers(other) == STAYS_OPEN
    assert breaker.answers(probe, is_create=False) == STAYS_OPEN
    assert breaker.answers(probe) == Reported(is_open=False, change=BreakerState.CLOSED)
    assert breaker.admits(other)
    assert breaker.timeline() == ["open", "half_open", "closed"]


def test_each_failed_probe_doubles_the_pause_up_to_a_minute(breaker: Breaker) -> None:
    breaker.opens()
    pauses = [breaker.pause()]
    for _ in range(5):
        probe = breaker.generation()
        breaker.pause_ends()
        assert breaker.admits(probe)
        assert breaker.fails(probe) == Reported(is_open=True, change=BreakerState.OPEN)
        assert not breaker.admits(probe)
        pauses.append(breaker.pause())
    assert pauses == [5, 10, 20, 40, 60, 60]


def test_failures_of_others_do_not_end_a_probe(breaker: Breaker) -> None:
    breaker.opens()
    probe = breaker.generation()
    breaker.pause_ends()
    assert breaker.admits(probe)
    assert breaker.fails() == STAYS_OPEN
    assert breaker.answers(probe).change is BreakerState.CLOSED


def test_late_outcomes_of_earlier_creates_change_nothing(breaker: Breaker) -> None:
    breaker.opens()
    pause = breaker.pause()
    assert [breaker.fails(), breaker.answers()] == [STAYS_OPEN, STAYS_OPEN]
    assert breaker.pause() <= pause
    assert breaker.timeline() == ["open"]


def test_a_probe_whose_worker_died_gives_way_to_another(breaker: Breaker) -> None:
    breaker.opens()
    probe, other = breaker.generation(), breaker.generation()
    breaker.pause_ends()
    assert breaker.admits(probe)
    breaker.account.run(
        "UPDATE generations SET lease_until = clock_timestamp() - interval '1 second' WHERE id = :id", id=probe
    )
    breaker.set("probe_at = probe_at - interval '11 seconds'")
    assert breaker.admits(other)
    assert not breaker.admits(probe)


def test_a_route_that_opens_again_soon_keeps_its_longer_pause(breaker: Breaker) -> None:
    breaker.opens()
    probe = breaker.generation()
    breaker.pause_ends()
    breaker.admits(probe)
    breaker.answers(probe)
    breaker.opens()
    assert breaker.pause() == 10


def test_work_for_an_open_route_is_held_and_goes_once_a_probe_is_answered(
    make_account: Callable[[], Account],
) -> None:
    account = make_account()
    breaker = Breaker(account, account.route)
    customer = account.customer()
    breaker.opens()
    breaker.stays_open()
    waiting = [account.asks(customer) for _ in range(3)]
    assert not any(asked.has_place for asked in waiting)
    assert account.grant() == []
    breaker.pause_ends()
    account.release()
    (probe,) = account.grant()
    claim = account.claim(probe)
    account.release()
    assert account.grant() == [], "one probe is enough"
    breaker.answers(claim.id)
    account.release()
    assert {probe, *account.grant()} == {asked.id for asked in waiting}


def test_a_held_generation_names_the_route_as_the_reason(account: Account) -> None:
    breaker = Breaker(account, account.route)
    breaker.opens()
    breaker.stays_open()
    asked = account.asks(account.customer())
    with account.database.transaction() as session:
        row = session.execute(
            text("SELECT place, held_by, stage FROM admissions JOIN generations ON id = generation_id WHERE id = :id"),
            {"id": asked.id},
        ).one()
    assert tuple(row) == ("held", "route", Stage.QUEUED)
