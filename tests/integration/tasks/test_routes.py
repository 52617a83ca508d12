"""The route of a queued generation: around open breakers and dear routes, before a create leaves."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from providers.catalogue.costs import Costs
from providers.catalogue.models import Model, RoutePolicy
from schemas.enums import ErrorCode, EventName, Stage
from schemas.limits import AccountLimits
from schemas.names import ProviderName
from schemas.orders import Inputs, Route
from schemas.provider_errors import ProviderUnavailable
from schemas.route_tables import BreakerState
from schemas.stages import TERMINAL
from storage import admission, routes
from storage.ledger import Balance
from tasks.grant import grant_on
from tasks.services import WorkerServices
from tests.integration.tasks.conftest import Life, Lives

# Kie first, then Runway.
TWO_ROUTES = {"model": "wan-3.0", "duration_seconds": 5}
KIE = Route(provider="kie", model="wan/3-0-video")
RUNWAY = Route(provider="runway", model="video/wan3")
ONE_ROUTE: dict[str, object] = {"model": "nano-banana"}
ONLY = Route(provider="kie", model="google/nano-banana")
MAINTENANCE = {"code": 455, "msg": "maintenance"}


@pytest.fixture(autouse=True)
def _fresh_view(worker: WorkerServices, lives: Lives, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No route is open, no account has limits, and no call was answered, for this process too."""
    worker.gate.forget_view()
    monkeypatch.setattr(worker.health, "_answers", {})
    yield
    with worker.database.transaction() as session:
        session.execute(text("DELETE FROM route_health; DELETE FROM admissions; DELETE FROM admission_accounts"))
    worker.gate.forget_view()


def opens(worker: WorkerServices, route: Route) -> None:
    """Calls of a route fail until its breaker opens."""
    for _ in range(30):
        worker.health.failed(route, uuid4(), ProviderUnavailable("the vendor is away"), is_create=True)
    assert worker.health.is_open(route)


def pause_ends(worker: WorkerServices) -> None:
    """The pause of each open breaker is over."""
    run(worker, "UPDATE route_health SET retry_at = clock_timestamp() WHERE opened_at IS NOT NULL")


def run(worker: WorkerServices, statement: str, **given: object) -> None:
    """Run a statement."""
    with worker.database.transaction() as session:
        session.execute(text(statement), given)


def look(worker: WorkerServices) -> None:
    """One second of beat."""
    worker.gate.forget_view()
    grant_on(worker, for_seconds=0)


def held_by(life: Life) -> str | None:
    """Why a generation is out of the queue."""
    query = text("SELECT held_by FROM admissions WHERE generation_id = :id AND place = 'held'")
    with life.database.transaction() as session:
        found: str | None = session.execute(query, {"id": life.id}).scalar_one_or_none()
        return found


def entries(life: Life, name: EventName) -> list[dict[str, object]]:
    """The timeline's entries of a name."""
    return [dict(event.data) for event in life.events if event.name == name]


def states(worker: WorkerServices, route: Route) -> list[BreakerState]:
    """The timeline of a breaker, the oldest change first."""
    with worker.database.statement() as sql:
        return [change.state for change in routes.changes(sql, name=f"{route.provider}/{route.model}", most=100)][::-1]


def test_work_goes_around_an_open_route_before_a_create_leaves(lives: Lives, worker: WorkerServices) -> None:
    life = lives.begin(TWO_ROUTES)
    opens(worker, KIE)
    assert life.step() is Stage.GENERATING
    assert life.row.provider == "runway"
    assert life.accepted_creates() == 1
    (change,) = entries(life, EventName.ROUTE_CHANGED)
    assert change.pop("by")
    assert change == {
        "from": KIE.model_dump(), "to": RUNWAY.model_dump(), "route": 1, "reason": "route_open",
    }  # fmt: skip


def test_work_without_another_route_waits_and_does_not_fail(lives: Lives, worker: WorkerServices) -> None:
    life = lives.begin(ONE_ROUTE)
    opens(worker, ONLY)
    assert life.step() is Stage.QUEUED
    assert (held_by(life), life.row.failures) == ("route", 0)
    assert life.row.wake_at is not None
    assert life.row.claimed_at is not None
    assert (life.row.wake_at - life.row.claimed_at).days >= 6, "a look costs nothing while the route is open"
    look(worker)
    assert held_by(life) == "route"
    pause_ends(worker)
    look(worker)
    assert life.go(until=TERMINAL) is Stage.COMPLETED
    assert states(worker, ONLY) == ["open", "half_open", "closed"]
    assert not worker.health.is_open(ONLY)


def test_refused_creates_open_the_breaker_and_fail_nothing(lives: Lives, worker: WorkerServices) -> None:
    those = [lives.begin(ONE_ROUTE, create_error=MAINTENANCE, create_error_times=6) for _ in range(5)]
    assert [life.step() for life in those] == [Stage.QUEUED] * 5
    assert worker.health.is_open(ONLY)
    for _ in range(5):
        assert [life.step() for life in those] == [Stage.QUEUED] * 5
    assert {held_by(life) for life in those} == {"route"}
    assert [life.row.failures for life in those] == [1, 1, 1, 1, 0], "the create that opened the breaker counts no more"
    assert sum(life.sandbox.requests(life.word).refused for life in those) == 5, "nothing leaves by an open route"


def test_failed_probe_goes_by_the_other_route_and_counts_as_no_failure(lives: Lives, worker: WorkerServices) -> None:
    opens(worker, KIE)
    life = lives.begin(TWO_ROUTES, create_error=MAINTENANCE, create_error_times=1)
    pause_ends(worker)
    worker.gate.forget_view()
    assert life.step() is Stage.QUEUED, "the probe was refused"
    assert (life.row.failures, life.row.provider) == (0, "kie")
    assert states(worker, KIE) == ["open", "half_open", "open"]
    assert life.step() is Stage.GENERATING
    assert life.row.provider == "runway"


def test_one_probe_leaves_and_the_others_take_the_other_route(lives: Lives, worker: WorkerServices) -> None:
    opens(worker, KIE)
    pause_ends(worker)
    worker.gate.forget_view()
    probe, other = lives.begin(TWO_ROUTES), lives.begin(TWO_ROUTES)
    claim = probe.claim()
    assert worker.health.admits(KIE, claim.id)
    assert other.step() is Stage.GENERATING
    assert other.row.provider == "runway"
    worker.health.answered(KIE, claim.id, is_create=True)
    assert not worker.health.is_open(KIE)


def test_rejected_limited_and_refused_accounts_are_no_trouble_of_the_route(
    lives: Lives, worker: WorkerServices
) -> None:
    invalid = {"code": 422, "msg": "the prompt is not allowed to be this"}
    no_key = {"code": 401, "msg": "unauthorized"}
    too_fast = {"code": 429, "msg": "too many requests"}
    for error in (invalid, no_key, too_fast) * 3:
        lives.begin(ONE_ROUTE, create_error=error).step()
    with worker.database.statement() as sql:
        assert routes.listed(sql) == []


def test_failing_reads_open_the_route_of_the_next_create(lives: Lives, worker: WorkerServices) -> None:
    life = lives.begin(ONE_ROUTE, poll_error={"code": 500, "msg": "away", "http_status": 503}, poll_error_times=5)
    life.step()
    for _ in range(5):
        assert life.step() is Stage.GENERATING
    assert worker.health.is_open(ONLY)
    assert lives.begin(ONE_ROUTE).step() is Stage.QUEUED
    assert life.go(until=TERMINAL) is Stage.COMPLETED, "paid work is read on"


@pytest.fixture
def cost(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what an order costs at accounts."""

    def set_to(**costs: int | None) -> None:
        def at(_self: Costs, _model: Model, provider: ProviderName, _inputs: Inputs) -> Decimal | None:
            cost = costs.get(provider)
            return None if cost is None else Decimal(cost)

        monkeypatch.setattr(Costs, "at", at)

    return set_to


def test_a_route_that_costs_more_than_the_price_is_skipped_and_told(
    lives: Lives, worker: WorkerServices, cost: Callable[..., None]
) -> None:
    life = lives.begin(TWO_ROUTES)
    cost(kie=life.row.credits + 1, runway=life.row.credits)
    with capture_logs() as logs:
        assert life.step() is Stage.GENERATING
    assert life.row.provider == "runway"
    assert [entry["provider"] for entry in logs if entry["event"] == "route_too_dear"] == ["kie"]
    (change,) = entries(life, EventName.ROUTE_CHANGED)
    assert change["reason"] == "cost_above_price"


def test_a_dear_route_is_not_taken_while_the_other_is_open(
    lives: Lives, worker: WorkerServices, cost: Callable[..., None]
) -> None:
    life = lives.begin(TWO_ROUTES)
    cost(kie=life.row.credits, runway=life.row.credits + 1)
    opens(worker, KIE)
    for _ in range(2):
        assert life.step() is Stage.QUEUED
    assert (held_by(life), life.row.provider) == ("route", "kie")
    (skipped,) = entries(life, EventName.ROUTE_SKIPPED)
    assert skipped == {
        "to": RUNWAY.model_dump(), "cost": life.row.credits + 1, "price": life.row.credits,
    }  # fmt: skip


def test_an_order_whose_routes_are_all_too_dear_fails_and_costs_nothing(
    lives: Lives, cost: Callable[..., None]
) -> None:
    life = lives.begin(TWO_ROUTES)
    cost(kie=life.row.credits + 1, runway=life.row.credits + 2)
    assert life.step() is Stage.FAILED
    assert life.row.error_code is ErrorCode.COST_ABOVE_PRICE
    assert life.balance == Balance(available=1000, held=0)
    assert life.accepted_creates() == 0


def test_an_unknown_cost_is_no_reason_against_a_route(lives: Lives, cost: Callable[..., None]) -> None:
    life = lives.begin(TWO_ROUTES)
    cost(kie=None, runway=None)
    assert life.step() is Stage.GENERATING
    assert life.row.provider == "kie"


def test_work_that_waits_for_an_open_route_leaves_as_the_other_account_takes_it(
    lives: Lives, worker: WorkerServices
) -> None:
    those = [lives.begin(TWO_ROUTES) for _ in range(3)]
    limit(worker, kie=0, runway=1)
    assert [life.step() for life in those] == [Stage.QUEUED] * 3
    opens(worker, KIE)
    look(worker)
    due = [life for life in those if is_due(life)]
    assert due == those, "each customer's queue at Runway is short"
    reached = [life.step() for life in those]
    assert sorted(reached) == [Stage.GENERATING, Stage.QUEUED, Stage.QUEUED]
    assert {life.row.provider for life in those} == {"runway"}


def test_work_of_a_full_account_stays_with_its_own_account(lives: Lives, worker: WorkerServices) -> None:
    first = lives.begin(TWO_ROUTES)
    those = [first, *(lives.begin(TWO_ROUTES, customer=first.customer) for _ in range(9))]
    limit(worker, kie=10, runway=0)
    opens(worker, KIE)
    for life in those:
        assert life.step() is Stage.QUEUED
    assert [life.row.provider for life in those] == ["runway"] * 5 + ["kie"] * 5
    assert {held_by(life) for life in those[5:]} == {"route"}
    pause_ends(worker)
    look(worker)
    (probe,) = [life for life in those[5:] if held_by(life) is None]
    assert probe.step() is Stage.GENERATING
    look(worker)
    assert [life.step() for life in those[5:] if life is not probe] == [Stage.GENERATING] * 4


def test_work_that_leaves_a_queue_gets_the_time_of_its_deadline(lives: Lives, worker: WorkerServices) -> None:
    life = lives.begin(TWO_ROUTES)
    limit(worker, kie=0)
    assert life.step() is Stage.QUEUED
    opens(worker, KIE)
    look(worker)
    assert life.step() is Stage.GENERATING
    row = life.row
    assert row.deadline_at is not None
    assert row.stage_at is not None
    assert abs((row.deadline_at - row.stage_at).total_seconds() - worker.settings.pipeline.deadline_seconds) < 60


def test_a_route_that_a_generation_gave_up_is_not_tried_again(lives: Lives, worker: WorkerServices) -> None:
    no_key = {"code": 401, "msg": "unauthorized"}
    life = lives.begin(TWO_ROUTES, create_error=no_key)
    assert life.step() is Stage.QUEUED
    assert (life.row.route_index, life.row.routes_given_up) == (1, 1)
    opens(worker, RUNWAY)
    assert life.step() is Stage.QUEUED
    assert (held_by(life), life.row.provider) == ("route", "runway")


def limit(worker: WorkerServices, **in_flight: int) -> None:
    """Give accounts limits."""
    with worker.database.statement() as sql:
        admission.declare(sql, {name: AccountLimits(in_flight=most) for name, most in in_flight.items()})
    worker.gate.forget_view()


def is_due(life: Life) -> bool:
    """Whether the waker wakes the generation now."""
    query = text("SELECT wake_at <= clock_timestamp() FROM generations WHERE id = :id")
    with life.database.transaction() as session:
        found: bool = session.execute(query, {"id": life.id}).scalar_one()
        return found


def test_fastest_takes_the_route_with_the_least_usual_time(
    lives: Lives, worker: WorkerServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admission.routes.explores", lambda _: False)
    life = lives.begin(TWO_ROUTES)
    claim = life.claim()
    times: dict[str, float | None] = {"kie": 90, "runway": 30}
    assert _chosen(worker, claim, times) == 0, "the policy of the model is the order of its routes"
    monkeypatch.setattr(worker.catalogue, "route_policy", lambda _: RoutePolicy.FASTEST)
    assert _chosen(worker, claim, times) == 1
    assert _chosen(worker, claim, {"kie": 20, "runway": 30}) == 0
    assert _chosen(worker, claim, {"kie": 90, "runway": None}) == 0, "no time is known of Runway"
    monkeypatch.setattr("admission.routes.explores", lambda _: True)
    assert _chosen(worker, claim, {"kie": 90, "runway": None}) == 1
    later = replace(claim, generation=replace(claim.generation, attempt=2))
    assert _chosen(worker, later, times) == 0, "a generation does not change its route for speed later"


def _chosen(worker: WorkerServices, claim: object, times: dict[str, float | None]) -> int:
    choice = worker.routes.choose(claim, lambda route: times[route.provider])  # type: ignore[arg-type]
    assert choice is not None
    return choice.index
