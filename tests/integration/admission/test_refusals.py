"""Refusals of vendors: the account waits for all processes, and its limits are lower for a while."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from admission.gate import Gate
from schemas.admission_settings import AdmissionSettings
from schemas.limits import AccountLimits, Refusal
from storage import admission_control, admission_learning, transitions
from storage.admission_control import Reason
from storage.admission_learning import Learned, Refused
from storage.admission_state import account_states
from storage.sql import returns
from tests.integration.admission.conftest import Account, Asked, StillAccount
from tests.support import own_logs

_IN_FORCE = returns(dict[str, object])("""
    SELECT admission_limits(a) FROM admission_accounts a WHERE provider = %(name)s
""")


def refuse(
    account: Account, asked: Asked, why: Refusal, *, pause: float = 8, retry_after: float | None = None
) -> Learned:
    """The vendor refuses the create of a generation, which is queued again."""
    with account.database.statements() as sql:
        transitions.put_back(sql, asked.claim, wake_in=0)
    with account.database.statement() as sql:
        return admission_learning.refused(sql, account.name, asked.id, Refused(why, pause, retry_after))


def in_force(account: Account) -> dict[str, object]:
    """The limits of the account now, as the grant sees them."""
    with account.database.statement() as sql:
        (limits,) = sql.all(_IN_FORCE, name=account.name)
    return limits


@pytest.fixture
def account(still: StillAccount) -> Account:
    """An account under a clock of the test."""
    return still.account


@pytest.fixture
def passes(still: StillAccount) -> Callable[[float], None]:
    """Lets so many seconds pass."""
    return still.clock.advance


def test_account_waits_as_long_as_the_vendor_says_and_the_refused_generation_is_first(
    account: Account, passes: Callable[[float], None]
) -> None:
    customer = account.customer()
    first = account.asks(customer)
    second = account.asks(customer)
    assert first.has_place
    assert second.has_place
    learned = refuse(account, first, Refusal.TOO_FAST, retry_after=40)
    assert (learned.is_news, learned.closed_seconds) == (True, 40)
    third = account.asks(customer)
    assert not third.has_place
    assert not account.asks(customer, generation_id=first.id).has_place
    passes(30)
    assert account.grant() == []
    passes(11)
    assert account.grant()[0] == first.id


def test_burst_of_refusals_halves_the_rate_once_and_the_rate_grows_again(
    account: Account, passes: Callable[[float], None]
) -> None:
    account.limit(creates=[{"most": 20, "seconds": 10}])
    asked = [account.asks(account.customer()) for _ in range(3)]
    assert refuse(account, asked[0], Refusal.TOO_FAST).is_news
    assert not refuse(account, asked[1], Refusal.TOO_FAST).is_news
    assert in_force(account)["creates"] == [{"most": 10, "seconds": 10}]
    passes(60)
    assert in_force(account)["creates"] == [{"most": 14, "seconds": 10}]
    refuse(account, asked[2], Refusal.TOO_FAST)
    assert in_force(account)["creates"] == [{"most": 7, "seconds": 10}]
    passes(300)
    assert in_force(account)["creates"] == [{"most": 20, "seconds": 10}]


def test_account_without_windows_has_a_rate_after_a_refusal(account: Account) -> None:
    refuse(account, account.asks(account.customer()), Refusal.TOO_FAST)
    assert in_force(account)["creates"] == [{"most": 50, "seconds": 10}]


def test_burst_of_refusals_shows_how_many_the_vendor_takes_at_once(
    account: Account, passes: Callable[[float], None]
) -> None:
    asked = [account.asks(account.customer()) for _ in range(8)]
    assert all(each.has_place for each in asked)
    learned = [refuse(account, each, Refusal.TOO_MANY) for each in asked[5:]]
    assert [each.places for each in learned] == [7, 6, 5]
    assert in_force(account)["in_flight"] == 5
    assert not account.asks(account.customer()).has_place
    account.ends(asked[0])
    assert len(account.grant()) == 1, "an end makes room at once"
    passes(61)
    assert in_force(account)["in_flight"] == 6
    passes(540)
    assert in_force(account)["in_flight"] == 105
    passes(3600)
    assert "in_flight" not in in_force(account)


def test_configured_limit_is_the_ceiling_of_what_is_learned(account: Account, passes: Callable[[float], None]) -> None:
    account.limit(in_flight=3)
    asked = [account.asks(account.customer()) for _ in range(3)]
    refuse(account, asked[2], Refusal.TOO_MANY)
    assert in_force(account)["in_flight"] == 2
    passes(1200)
    assert in_force(account)["in_flight"] == 3


def a_family(account: Account, **limits: object) -> None:
    """A family with limits, at an account without any."""
    account.limit(families={"films": {"models": ["film-*"], **limits}})


def test_refusal_for_too_many_lowers_the_family_where_the_vendor_counts_by_family(account: Account) -> None:
    a_family(account, in_flight=8)
    films = [account.asks(account.customer(), pool="films") for _ in range(5)]
    other = account.asks(account.customer())
    learned = [refuse(account, each, Refusal.TOO_MANY) for each in films[3:]]
    assert [each.places for each in learned] == [4, 3], "other models do not count"
    limits = AccountLimits.model_validate(in_force(account))
    assert (limits.in_flight, limits.families["films"].in_flight) == (None, 3)
    assert not account.asks(account.customer(), pool="films").has_place
    assert account.asks(account.customer()).has_place
    account.ends(other)
    assert account.grant() == []
    account.ends(films[0])
    assert len(account.grant()) == 1


def test_refusal_for_being_too_fast_closes_the_family_alone(account: Account, passes: Callable[[float], None]) -> None:
    a_family(account, creates=[{"most": 20, "seconds": 10}])
    film = account.asks(account.customer(), pool="films")
    assert refuse(account, film, Refusal.TOO_FAST, retry_after=40).closed_seconds == 40
    assert not account.asks(account.customer(), pool="films", generation_id=film.id).has_place
    assert account.asks(account.customer()).has_place
    passes(41)
    limits = AccountLimits.model_validate(in_force(account))
    assert 10 <= limits.families["films"].creates[0].most < 20
    assert account.grant() == [film.id]


@pytest.mark.parametrize(("family", "told"), [("films", "films"), ("", None)])
def test_line_of_a_closed_account_names_the_family(account: Account, family: str, told: str | None) -> None:
    a_family(account, creates=[{"most": 20, "seconds": 10}])
    gate = Gate(account.database, AdmissionSettings(), {}, lambda *_: None, wake_in=10)
    asked = account.asks(account.customer(), pool=family)
    with own_logs() as lines:
        gate.refused(account.name, asked.id, Refused(Refusal.TOO_FAST, 8))
    assert [(line["event"], line["provider"], line["family"]) for line in lines] == [
        ("account_closed", account.name, told)
    ]


def test_reset_forgets_what_a_family_taught(account: Account) -> None:
    a_family(account, in_flight=8)
    refuse(account, account.asks(account.customer(), pool="films"), Refusal.TOO_MANY)
    with account.database.statement() as sql:
        admission_control.reset_limits(sql, account.name, Reason("ann"))
    assert AccountLimits.model_validate(in_force(account)).families["films"].in_flight == 8


def test_refusal_counts_for_the_account_where_its_own_limit_is_known(account: Account) -> None:
    account.limit(in_flight=9, families={"films": {"models": ["film-*"], "in_flight": 8}})
    films = [account.asks(account.customer(), pool="films") for _ in range(3)]
    refuse(account, films[2], Refusal.TOO_MANY)
    limits = AccountLimits.model_validate(in_force(account))
    assert (limits.in_flight, limits.families["films"].in_flight) == (2, 8)


def test_account_that_others_use_waits_although_we_have_nothing_there(account: Account) -> None:
    first = account.asks(account.customer())
    learned = refuse(account, first, Refusal.TOO_MANY)
    assert (learned.places, learned.closed_seconds) == (0, 8)
    assert not account.asks(account.customer()).has_place


def test_work_that_never_asked_counts_as_in_flight(account: Account) -> None:
    busy = account.asks(account.customer())
    account.run("DELETE FROM admissions WHERE generation_id = :id", id=busy.id)
    account.run(
        "UPDATE generations SET stage = 'generating', provider = :name WHERE id = :id", id=busy.id, name=account.name
    )
    learned = refuse(account, account.asks(account.customer()), Refusal.TOO_MANY)
    assert learned.places == 1


def test_work_that_the_vendor_does_not_begin_shows_how_many_it_takes_at_once(account: Account) -> None:
    asked = [account.asks(account.customer()) for _ in range(5)]
    for each in asked[3:]:
        account.run("UPDATE generations SET remote_wait = 'throttled' WHERE id = :id", id=each.id)
    gate = Gate(account.database, AdmissionSettings(), {}, lambda *_: None, wake_in=10)
    with own_logs() as lines:
        for each in asked[3:]:
            gate.throttled(account.name, each.id)
    assert [(line["event"], line["places"]) for line in lines] == [("account_full", 3)]
    assert in_force(account)["in_flight"] == 3
    assert not account.asks(account.customer()).has_place
    account.ends(asked[0])
    account.ends(asked[3])
    assert account.grant() == [], "three are left there"
    account.ends(asked[1])
    assert len(account.grant()) == 1
    account.run("UPDATE generations SET stage = 'generating' WHERE id = :id", id=asked[4].id)
    with account.database.statement() as sql:
        (state,) = account_states(sql, only=account.name)
    assert (state.at_vendor, state.learned_in_flight) == ({"throttled": 1}, 3)


@pytest.mark.parametrize("why", [Refusal.NO_MONEY, Refusal.DAILY])
def test_account_without_money_gets_one_create_until_the_vendor_accepts_one(
    account: Account, passes: Callable[[float], None], why: Refusal
) -> None:
    *asked, late = [account.asks(account.customer()) for _ in range(5)]
    for each in asked:
        refuse(account, each, why, pause=300)
    assert not refuse(account, late, Refusal.TOO_FAST, pause=1).is_news, "it was on its way"
    for each in asked:
        account.asks(account.customer(), generation_id=each.id)
    with account.database.statement() as sql:
        assert not admission_learning.accepted(sql, account.name), "this create left before the refusal"
    passes(301)
    assert len(account.grant()) == 1
    assert account.grant() == []
    with account.database.statement() as sql:
        assert admission_learning.accepted(sql, account.name)
    assert len(account.grant()) == 3


def test_process_that_was_refused_asks_at_once_and_alerts_once(
    account: Account, passes: Callable[[float], None]
) -> None:
    gate = Gate(account.database, AdmissionSettings(), {}, lambda *_: None, wake_in=10)
    assert not gate.needs_place(account.route)
    with own_logs() as lines:
        for _ in range(2):
            gate.refused(account.name, uuid4(), Refused(Refusal.NO_MONEY, 300))
    assert gate.needs_place(account.route)
    assert gate.is_spent(account.name)
    assert [(line["event"], line["log_level"], line["reason"]) for line in lines] == [
        ("account_closed", "error", Refusal.NO_MONEY)
    ]
    gate.accepted(account.name)
    assert gate.is_spent(account.name), "nothing was granted since then"
    passes(301)
    gate.accepted(account.name)
    assert not gate.needs_place(account.route)
