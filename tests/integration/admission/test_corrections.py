"""Work that takes more or less time than expected: the customer's share is corrected at its end."""

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

import pytest
from sqlalchemy import text

from schemas.enums import Stage
from storage import transitions
from tests.integration.admission.conftest import Account, Asked

_EXPECTED = 30.0


def works_and_ends(account: Account, asked: Asked | UUID, seconds: float, *, told: float | None = None) -> None:
    """The vendor works on a generation for so many seconds, and tells a figure of its own or none."""
    if isinstance(asked, Asked):
        claim = asked.claim if asked.has_place else account.claim(asked.id)
    else:
        claim = account.claim(asked)
    with account.database.statements() as sql:
        claim = transitions.move(sql, claim, Stage.SUBMITTING, wake_in=0, keeps_lease=True)
        claim = transitions.move(sql, claim, Stage.GENERATING, wake_in=0, keeps_lease=True)
    account.run(
        "UPDATE generations SET provider_seconds = :told, started_at = started_at - make_interval(secs => :s) "
        "WHERE id = :id",
        s=seconds, told=told, id=claim.id,
    )  # fmt: skip
    with account.database.statements() as sql:
        transitions.move(sql, claim, Stage.DOWNLOADING, wake_in=0)


def shares(
    account: Account, works: Mapping[UUID, float], owner: Mapping[UUID, str], *, rounds: int, running: list[UUID]
) -> dict[str, float]:
    """The seconds of work that each owner got, while all of them wait."""
    got: dict[str, float] = defaultdict(float)
    for _ in range(rounds):
        ends = running.pop(0)
        works_and_ends(account, ends, works[ends])
        got[owner[ends]] += works[ends]
        running += account.grant()
    return got


@pytest.mark.parametrize("in_flight", [1, 3])
@pytest.mark.parametrize(("of_one", "of_other"), [(300.0, 30.0), (3.0, 30.0), (6.0, 6.0)])
def test_customers_get_the_same_time_however_long_their_work_takes(
    account: Account, in_flight: int, of_one: float, of_other: float
) -> None:
    account.limit(in_flight=0)
    customers = {"one": (account.customer(), of_one), "other": (account.customer(), of_other)}
    works, owner = {}, {}
    for name, (customer, seconds) in customers.items():
        for _ in range(26):
            asked = account.asks(customer, cost=_EXPECTED)
            works[asked.id], owner[asked.id] = seconds, name
    account.limit(in_flight=in_flight)
    got = shares(account, works, owner, rounds=20, running=account.grant())
    longest = max(of_one, of_other, _EXPECTED)
    assert abs(got["one"] - got["other"]) <= (in_flight + 1) * longest


def test_weight_holds_for_the_real_time(account: Account) -> None:
    account.limit(in_flight=0)
    heavy, light = account.customer(), account.customer()
    account.run("INSERT INTO customer_limits (customer_id, weight) VALUES (:id, 3)", id=heavy.id)
    works, owner = {}, {}
    for name, customer, seconds in (("heavy", heavy, 300.0), ("light", light, 30.0)):
        for _ in range(26):
            asked = account.asks(customer, cost=_EXPECTED)
            works[asked.id], owner[asked.id] = seconds, name
    account.limit(in_flight=1)
    got = shares(account, works, owner, rounds=20, running=account.grant())
    assert abs(got["heavy"] / 3 - got["light"]) <= 300 / 3 + 30


def test_a_customer_who_comes_later_does_not_wait_for_time_that_was_not_used(account: Account) -> None:
    account.limit(in_flight=0)
    early, late = account.customer(), account.customer()
    backlog = [account.asks(early, cost=300) for _ in range(30)]
    account.limit(in_flight=3)
    running = account.grant()
    for _ in range(12):
        works_and_ends(account, running.pop(0), 1.0)
        running += account.grant()
    comes = account.asks(late, cost=300)
    order: list[UUID] = []
    while len(order) < len(backlog) and comes.id not in order:
        works_and_ends(account, running.pop(0), 1.0)
        granted = account.grant()
        running += granted
        order += granted
    assert order.index(comes.id) <= 1


def test_a_customer_who_comes_after_a_decision_without_room_does_not_wait_either(account: Account) -> None:
    account.limit(in_flight=0)
    early, late = account.customer(), account.customer()
    for _ in range(6):
        account.asks(early, cost=300)
    account.limit(in_flight=3)
    running = account.grant()
    account.limit(in_flight=0)
    for one in running:
        works_and_ends(account, one, 1.0)
    assert account.grant() == []
    comes = account.asks(late, cost=300)
    account.limit(in_flight=2)
    assert comes.id in account.grant()


def test_nothing_is_written_where_nothing_waits_or_the_time_is_as_expected(account: Account) -> None:
    account.limit(in_flight=2)
    customer = account.customer()
    alone = account.asks(customer, cost=_EXPECTED)
    as_expected = account.asks(customer, cost=_EXPECTED)
    works_and_ends(account, alone, 300.0)
    for _ in range(2):
        account.asks(customer, cost=_EXPECTED)
    works_and_ends(account, as_expected, _EXPECTED)
    with account.database.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM admission_corrections")).scalar_one() == 0


def test_a_correction_waits_for_no_decision_and_no_decision_for_a_correction(account: Account) -> None:
    account.limit(in_flight=1)
    customer = account.customer()
    running, waiting, last = (account.asks(customer, cost=_EXPECTED) for _ in range(3))
    works_and_ends(account, running, 300.0)
    with account.database.transaction() as session:
        session.execute(text("SELECT FROM admission_corrections FOR UPDATE"))
        assert account.grant() == [waiting.id]
    works_and_ends(account, waiting.id, _EXPECTED)
    assert account.grant() == [last.id]
    with account.database.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM admission_corrections")).scalar_one() == 0
        share = session.execute(text("SELECT granted FROM admission_shares WHERE flow = ''")).scalar_one()
    # The last one is charged by what the first one took.
    assert share == pytest.approx(300 + _EXPECTED + 300, abs=1)
