"""Where generations stand before their accounts, as customers see it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from admission.queues import Queues
from schemas.limits import PauseScope, Priority
from schemas.orders import Order, Route
from schemas.queue_api import QueuePlace, QueueReason, QueueResource
from schemas.tables import Generation
from storage import admission_control
from storage.admission_control import Reason
from tests.integration.admission.conftest import Account, Asked
from tests.support import NewCustomer, a_generation


def places(account: Account, *asked: Asked) -> list[QueuePlace | None]:
    with account.database.statement() as sql:
        found = Queues().places(sql, [one.id for one in asked])
    return [found.get(one.id) for one in asked]


def ahead(account: Account, *asked: Asked) -> list[int | None]:
    return [None if one is None else one.ahead for one in places(account, *asked)]


def queue_of(account: Account, customer: NewCustomer) -> QueueResource:
    with account.database.statement() as sql:
        return Queues().of_customer(sql, customer.id)


def row(account: Account, generation_id: UUID) -> Generation:
    with account.database.transaction() as session:
        return session.get_one(Generation, generation_id)


def test_each_place_is_the_number_that_really_goes_before(account: Account) -> None:
    account.limit(in_flight=1)
    big, small = account.customer(), account.customer()
    running = account.asks(big)
    waiting = [account.asks(big) for _ in range(5)]
    waiting += [account.asks(small, cost=7) for _ in range(2)]
    waiting.append(account.asks(big, priority=Priority.HIGH))
    waiting.append(account.asks(big, priority=Priority.LOW))
    told = ahead(account, *waiting)
    order = []
    account.ends(running)
    while granted := account.grant():
        order += granted
        account.ends(granted[0])
    assert told == [order.index(one.id) for one in waiting]


def test_a_generation_with_a_place_has_no_place_in_the_queue(account: Account) -> None:
    account.limit(in_flight=1)
    assert places(account, account.asks(account.customer())) == [None]


def test_the_expected_start_follows_from_the_work_at_the_vendor(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    account.asks(customer, cost=400)
    account.run("UPDATE admissions SET granted_at = now() - interval '100 s'")
    _, second = account.asks(customer, cost=400), account.asks(customer, cost=400)
    (place,) = places(account, second)
    assert place is not None
    assert place.estimated_start_at is not None
    assert place.reason is QueueReason.CAPACITY
    assert timedelta(seconds=640) < place.estimated_start_at - datetime.now(UTC) <= timedelta(seconds=700)


def test_a_start_in_thousands_of_years_is_not_known(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    account.asks(customer)
    waiting = account.asks(customer)
    account.run(
        "UPDATE admission_accounts SET closed_until = now() + interval '9000 years' WHERE provider = :name",
        name=account.name,
    )
    assert places(account, waiting) == [QueuePlace(reason=QueueReason.CAPACITY, ahead=0, estimated_start_at=None)]
    order = waiting.claim.order.model_copy(update={"routes": [account.route]})
    assert wait(account, customer, order) is None


def test_work_in_flight_beyond_what_is_read_holds_its_places(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.admission_places._MOST_IN_FLIGHT", 2)
    account.limit(in_flight=5)
    customer = account.customer()
    for _ in range(5):
        account.asks(customer, cost=400)
    waiting = [account.asks(customer, cost=400) for _ in range(5)]
    starts = [place.estimated_start_at for place in places(account, *waiting) if place is not None]
    assert len(starts) == 5
    assert all(start is not None and start - datetime.now(UTC) > timedelta(seconds=200) for start in starts)


def test_a_held_generation_has_a_reason_and_no_start(account: Account) -> None:
    account.limit(in_flight=5)
    customer = account.customer()
    with account.database.statement() as sql:
        admission_control.pause(sql, PauseScope.CUSTOMER, str(customer.id), Reason("ann"))
    paused = account.asks(customer)
    assert places(account, paused) == [QueuePlace(reason=QueueReason.PAUSED, ahead=None, estimated_start_at=None)]


def test_a_scheduled_generation_starts_at_its_time(account: Account) -> None:
    generation_id = a_generation(account.database, account.settings, account.customer())
    start = datetime.now(UTC) + timedelta(hours=1)
    account.run(
        """UPDATE generations SET "order" = "order" || jsonb_build_object('not_before', CAST(:start AS text))
           WHERE id = :id""",
        start=start.isoformat(), id=generation_id,
    )  # fmt: skip
    with account.database.statement() as sql:
        place = Queues().place(sql, row(account, generation_id))
    assert place == QueuePlace(reason=QueueReason.SCHEDULED, ahead=None, estimated_start_at=start)


def test_a_customers_queue_counts_by_model_and_names_the_next(account: Account) -> None:
    account.limit(in_flight=1)
    customer, other = account.customer(), account.customer()
    running = account.asks(customer)
    account.run("UPDATE generations SET stage = 'submitting' WHERE id = :id", id=running.id)
    account.asks(other)
    for _ in range(3):
        account.asks(customer)
    a_generation(account.database, account.settings, customer)

    queue = queue_of(account, customer)
    (model,) = queue.models
    assert (queue.waiting, queue.in_flight, model.waiting, model.in_flight) == (4, 1, 4, 1)
    assert model.next is not None
    assert (model.next.reason, model.next.ahead) == (QueueReason.CAPACITY, 1)
    assert queue_of(account, account.customer()) == QueueResource(waiting=0, in_flight=0, models=[])


def test_an_order_that_comes_now_waits_as_long_as_those_before_it(account: Account) -> None:
    account.limit(in_flight=1)
    big, small = account.customer(), account.customer()
    running = account.asks(big, cost=400)
    for _ in range(3):
        account.asks(big, cost=400)
    order = running.claim.order.model_copy(update={"routes": [Route(provider=account.name, model="a-model")]})
    assert wait(account, big, order) == pytest.approx(1600, abs=60)
    assert 340 <= (wait(account, small, order) or 0) <= 860
    free = order.model_copy(update={"routes": [Route(provider="nobody_limits_it", model="a-model")]})
    assert wait(account, big, free) == 0

    with account.database.statement() as sql:
        admission_control.pause(sql, PauseScope.MODEL, order.model, Reason("ann"))
    assert wait(account, small, order) is None


def test_a_generation_whose_route_is_away_or_paused_has_no_expected_start_before_its_turn_comes(
    account: Account,
) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    account.asks(customer)
    waiting = account.asks(customer)
    breaks(account, account.route)
    assert places(account, waiting) == [
        QueuePlace(reason=QueueReason.PROVIDER_DOWN, ahead=None, estimated_start_at=None)
    ]
    with account.database.statement() as sql:
        admission_control.pause(sql, PauseScope.ROUTE, f"{account.name}/a-model", Reason("ann"))
    assert places(account, waiting) == [QueuePlace(reason=QueueReason.PAUSED, ahead=None, estimated_start_at=None)]


def test_an_order_that_comes_now_takes_the_first_route_that_works(
    account: Account, make_account: Callable[[], Account]
) -> None:
    customer, other = account.customer(), make_account()
    other.limit(in_flight=1)
    busy = other.asks(customer, cost=400)
    order = busy.claim.order.model_copy(update={"routes": [account.route, other.route]})
    assert wait(account, customer, order) == 0
    breaks(account, account.route)
    assert wait(account, customer, order) == pytest.approx(400, abs=60)
    breaks(account, other.route)
    assert wait(account, customer, order) is None


def test_an_order_that_comes_now_leaves_an_account_without_money(
    account: Account, make_account: Callable[[], Account]
) -> None:
    customer, other = account.customer(), make_account()
    account.limit(in_flight=1)
    order = other.asks(customer).claim.order.model_copy(update={"routes": [account.route, other.route]})
    account.run(
        "UPDATE admission_accounts SET closed_reason = 'no_money', closed_until = now() + interval '1000 s' "
        "WHERE provider = :name",
        name=account.name,
    )
    assert wait(account, customer, order) == 0
    alone = order.model_copy(update={"routes": [account.route]})
    assert wait(account, customer, alone) == pytest.approx(1000, abs=60)


def breaks(account: Account, route: Route) -> None:
    """The breaker of a route opens."""
    account.run(
        "INSERT INTO route_health (provider, vendor_model, opened_at, retry_at) "
        "VALUES (:provider, :model, now(), now() + interval '1 minute')",
        provider=route.provider, model=route.model,
    )  # fmt: skip


def wait(account: Account, customer: NewCustomer, order: Order) -> float | None:
    with account.database.statement() as sql:
        return Queues().waits(sql, customer.id, [order])[order.model]


def test_a_count_above_the_bound_follows_from_the_turns_that_were_read(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    account.asks(customer)
    last = [account.asks(customer, cost=10) for _ in range(12)][-1]
    with account.database.transaction() as session:
        counted = session.execute(
            text("SELECT at_account FROM admissions a, admission_ahead(provider, pool, lane, turn, 4) "
                 "WHERE generation_id = :id"),
            {"id": last.id},
        ).scalar_one()  # fmt: skip
    assert 11 <= counted <= 16


@pytest.mark.parametrize(("wait", "ahead"), [("queued", 3), ("throttled", None)])
def test_a_generation_in_the_vendors_queue_says_so(account: Account, wait: str, ahead: int | None) -> None:
    generation_id = a_generation(account.database, account.settings, account.customer())
    account.run(
        "UPDATE generations SET stage = 'generating', remote_wait = :wait, remote_ahead = :ahead WHERE id = :id",
        wait=wait, ahead=ahead, id=generation_id,
    )  # fmt: skip
    with account.database.statement() as sql:
        place = Queues().place(sql, row(account, generation_id))
    assert place == QueuePlace(reason=QueueReason.VENDOR_QUEUE, ahead=ahead, estimated_start_at=None)
    account.run("UPDATE generations SET remote_wait = 'running' WHERE id = :id", id=generation_id)
    with account.database.statement() as sql:
        assert Queues().place(sql, row(account, generation_id)) is None
