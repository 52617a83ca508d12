"""Properties of the decision, for random customers, orders and moments."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from uuid import UUID

from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

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
