"""Properties of the decision, for random customers, orders and moments."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from random import Random
from uuid import UUID

from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import text

from schemas.limits import Priority
from tests.integration.admission.conftest import Account
from tests.support import NewCustomer

MakeAccount = Callable[[], Account]

_SOME = settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


@dataclass(frozen=True)
class Order:
    """What a customer asks for."""

    customer: int
    cost: float
    priority: Priority
    flow: str


@dataclass
class Got:
    """What a customer was granted, and what the customer can be off by."""

    weight: float
    service: float = 0.0
    largest: float = 0.0
    waiting: list[UUID] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The service for each part of the weight."""
        return self.service / self.weight

    @property
    def one_order(self) -> float:
        """The largest order, for each part of the weight."""
        return self.largest / self.weight


_ORDERS = st.lists(
    st.builds(
        Order,
        customer=st.integers(0, 2),
        cost=st.sampled_from([1.0, 4.0, 60.0]),
        priority=st.sampled_from([Priority.NORMAL, Priority.HIGH]),
        flow=st.sampled_from(["a", "b"]),
    ),
    min_size=8,
    max_size=24,
)
# One customer's long work is urgent, and jumps the own short work. That must cost the customer as much as it takes.
_URGENT = [
    *(Order(0, 1.0, Priority.NORMAL, "a") for _ in range(8)),
    *(Order(0, 60.0, Priority.HIGH, "a") for _ in range(8)),
    *(Order(1, 4.0, Priority.NORMAL, "a") for _ in range(8)),
]
# The same with short work that jumps the long work: that must not cost the customer more.
_MODEST = [
    *(Order(0, 60.0, Priority.NORMAL, "a") for _ in range(8)),
    *(Order(0, 1.0, Priority.HIGH, "a") for _ in range(8)),
    *(Order(1, 4.0, Priority.NORMAL, "a") for _ in range(16)),
]
_WEIGHTS = st.lists(st.sampled_from([1.0, 2.0, 5.0]), min_size=3, max_size=3)


@_SOME
@example(orders=_URGENT, weights=[1.0, 1.0, 1.0])
@example(orders=_MODEST, weights=[1.0, 1.0, 1.0])
@given(orders=_ORDERS, weights=_WEIGHTS)
def test_customers_who_wait_get_the_same_for_their_weight_but_for_an_order_of_each(
    make_account: MakeAccount, orders: list[Order], weights: list[float]
) -> None:
    account = make_account()
    account.limit(in_flight=1)
    running = account.asks(account.customer(), cost=1.0)
    everyone = [(account.customer(), Got(weight)) for weight in weights]
    cost_of, owner_of = _all_ask(account, everyone, orders)
    account.ends(running)
    while granted := account.grant():
        (one,) = granted
        got = owner_of[one]
        got.service += cost_of[one]
        got.waiting.remove(one)
        account.ends(one)
        for left, right in combinations([each for _, each in everyone if each.waiting], 2):
            note(f"{left} and {right}")
            assert abs(left.share - right.share) <= left.one_order + right.one_order + 1e-6
    assert not any(got.waiting for _, got in everyone)


def _all_ask(
    account: Account, everyone: list[tuple[NewCustomer, Got]], orders: list[Order]
) -> tuple[dict[UUID, float], dict[UUID, Got]]:
    """All orders ask. Returns the cost of each, and the customer."""
    for customer, got in everyone:
        account.run(
            "INSERT INTO customer_limits (customer_id, weight) VALUES (:id, :weight)",
            id=customer.id, weight=got.weight,
        )  # fmt: skip
    cost_of, owner_of = {}, {}
    for order in orders:
        customer, got = everyone[order.customer]
        asked = account.asks(customer, cost=order.cost, priority=order.priority, flow=order.flow)
        assert not asked.has_place
        cost_of[asked.id], owner_of[asked.id] = order.cost, got
        got.largest = max(got.largest, order.cost)
        got.waiting.append(asked.id)
    return cost_of, owner_of


@_SOME
@given(
    in_flight=st.integers(1, 4),
    reserve=st.integers(0, 1),
    in_window=st.integers(2, 6),
    in_family=st.integers(1, 2),
    moves=st.lists(st.sampled_from(["ask", "ask", "grant", "end", "leave", "hour"]), min_size=10, max_size=30),
    choices=st.randoms(use_true_random=False),
)
def test_no_limit_is_ever_exceeded_and_no_place_stays_empty(
    make_account: MakeAccount, in_flight: int, reserve: int, in_window: int, in_family: int, moves: list[str],
    choices: Random,
) -> None:  # fmt: skip
    account = make_account()
    account.limit(
        in_flight=in_flight, reserve=reserve, creates=[{"most": in_window, "seconds": 3600}],
        families={"films": {"models": ["film-*"], "in_flight": in_family}},
    )  # fmt: skip
    customers = [account.customer() for _ in range(2)]
    for move in [*moves, "grant"]:
        note(move)
        taken = _ids(account, "place = 'granted'")
        match move:
            case "ask":
                pool, may = choices.choice(["", "films"]), choices.random() < 0.3
                account.asks(choices.choice(customers), pool=pool, reserve=may, cost=choices.choice([1.0, 60.0]))
            case "grant":
                account.grant()
                _has_no_idle_place(account, in_flight - reserve, in_window, in_family)
            case "end" if taken:
                _end(account, choices.choice(taken))
            case "leave" if taken:
                _leave(account, choices.choice(taken))
            case "hour":
                account.run(
                    "UPDATE admission_creates SET at = at - interval '62 minutes' "
                    "WHERE provider = :name AND at < clock_timestamp()",
                    name=account.name,
                )
        assert len(_ids(account, "place = 'granted'")) <= in_flight
        assert len(_ids(account, "place = 'granted' AND NOT may_use_reserve")) <= in_flight - reserve
        assert len(_ids(account, "place = 'granted' AND pool = 'films'")) <= in_family
        assert _creates(account) <= in_window


def _has_no_idle_place(account: Account, open_places: int, in_window: int, in_family: int) -> None:
    """After a decision, what waits has no place to go to."""
    is_full = len(_ids(account, "place = 'granted'")) >= open_places or _creates(account) >= in_window
    films_full = len(_ids(account, "place = 'granted' AND pool = 'films'")) >= in_family
    assert is_full or not _ids(account, "place = 'waiting' AND pool = ''")
    assert is_full or films_full or not _ids(account, "place = 'waiting' AND pool = 'films'")


def _end(account: Account, generation_id: UUID) -> None:
    account.run(
        "UPDATE generations SET stage = 'cancelled', wake_at = NULL, lease_token = NULL, lease_until = NULL, "
        "finished_at = now() WHERE id = :id",
        id=generation_id,
    )


def _leave(account: Account, generation_id: UUID) -> None:
    account.run("UPDATE generations SET stage = 'submitting' WHERE id = :id AND stage = 'queued'", id=generation_id)


def _ids(account: Account, condition: str) -> list[UUID]:
    """The generations at the account that meet a condition."""
    query = f"SELECT generation_id FROM admissions WHERE provider = :name AND {condition} ORDER BY asked_at"
    with account.database.transaction() as session:
        return list(session.execute(text(query), {"name": account.name}).scalars())


def _creates(account: Account) -> int:
    """The creates in the window of an hour, those that may still leave among them."""
    with account.database.transaction() as session:
        query = text(
            "SELECT count(*) FROM admission_creates WHERE provider = :name AND at > clock_timestamp() - interval '1 h'"
        )
        return int(session.execute(query, {"name": account.name}).scalar_one())


def test_cancelled_work_does_not_delay_the_customers_other_work(account: Account) -> None:
    account.limit(in_flight=1)
    one, other = account.customer(), account.customer()
    running = account.asks(one)
    cancelled = [account.asks(one) for _ in range(6)]
    kept = account.asks(one).id
    others = [account.asks(other).id for _ in range(6)]
    for asked in cancelled:
        account.ends(asked.id)
    account.ends(running)
    order = []
    while granted := account.grant():
        order += granted
        account.ends(granted[0])
    assert order.index(kept) <= 1
    assert set(order) == {kept, *others}
