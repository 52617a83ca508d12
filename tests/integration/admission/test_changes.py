"""The operator's changes: limits of accounts, and pauses. Each leaves a row that says who, what and when."""

import pytest

from admission.gate import Gate
from schemas.admission_tables import AdmissionChange
from schemas.enums import Stage
from schemas.errors import NotFound
from schemas.limits import AccountLimits, PauseScope
from storage import admission, admission_control, transitions
from storage.admission_control import Reason
from storage.admission_state import account_states
from tests.integration.admission.conftest import Account
from tests.support import a_generation

WHY = Reason("ann", "a test")


def set_limits(account: Account, **limits: object) -> None:
    with account.database.statement() as sql:
        admission_control.set_limits(sql, account.name, lambda _: AccountLimits.model_validate(limits), WHY)
        admission.count_all(sql)


def at_the_vendor(account: Account) -> None:
    """A generation that went to the account without asking for a place."""
    claim = account.claim(a_generation(account.database, account.settings, account.customer()))
    account.run("UPDATE generations SET provider = :name WHERE id = :id", name=account.name, id=claim.id)
    with account.database.statements() as sql:
        claim = transitions.move(sql, claim, Stage.SUBMITTING, wake_in=0, keeps_lease=True)
        transitions.move(sql, claim, Stage.GENERATING, wake_in=0)


def changes(account: Account) -> list[AdmissionChange]:
    with account.database.transaction() as session:
        return [*admission_control.changes(session, None, limit=100).rows]


def release(account: Account) -> None:
    with account.database.statement() as sql:
        admission.release_held(sql, most=20, low_waits=3600)


def test_limits_of_an_operator_hold_in_place_of_the_declared(account: Account) -> None:
    account.limit(in_flight=5)
    set_limits(account, in_flight=1)
    customer = account.customer()
    assert [account.asks(customer).has_place for _ in range(2)] == [True, False]

    set_limits(account, in_flight=2)
    assert len(account.grant()) == 1


def test_reset_goes_back_to_the_declared_limits_and_opens_the_account(account: Account) -> None:
    account.limit(in_flight=1)
    set_limits(account, in_flight=0)
    account.run(
        "UPDATE admission_accounts SET closed_until = now() + interval '1 hour', learned_in_flight = 0, "
        "learned_in_flight_at = now() WHERE provider = :name",
        name=account.name,
    )
    customer = account.customer()
    assert not account.asks(customer).has_place

    with account.database.statement() as sql:
        admission_control.reset_limits(sql, account.name, WHY)
    assert len(account.grant()) == 1
    assert not account.asks(customer).has_place


def test_each_change_says_who_changed_what(account: Account) -> None:
    account.limit(in_flight=5)
    set_limits(account, in_flight=3)
    set_limits(account, creates=[{"most": 2, "seconds": 10}])
    with account.database.statement() as sql:
        admission_control.reset_limits(sql, account.name, Reason("bob"))
        admission_control.pause(sql, PauseScope.PROVIDER, account.name, WHY)
        admission_control.resume(sql, PauseScope.PROVIDER, account.name, Reason("bob", "works again"))

    made = [*reversed(changes(account))]
    told = [(one.author, one.action, one.scope, one.reason, one.before, one.after) for one in made]
    second = {"creates": [{"most": 2, "seconds": 10.0}]}
    assert told == [
        ("ann", "set", "limits", "a test", None, {"in_flight": 3}),
        ("ann", "set", "limits", "a test", {"in_flight": 3}, second),
        ("bob", "reset", "limits", None, second, None),
        ("ann", "pause", "provider", "a test", None, {"reason": "a test"}),
        ("bob", "resume", "provider", "works again", {"reason": "a test"}, None),
    ]
    assert {one.name for one in made} == {account.name}


def test_a_change_of_an_unknown_account_names_the_known(account: Account) -> None:
    account.limit(in_flight=5)
    with account.database.statement() as sql, pytest.raises(NotFound, match=f"Accounts: {account.name}"):
        admission_control.set_limits(sql, "nobody", lambda limits: limits, WHY)
    assert changes(account) == []


def test_a_change_is_made_of_the_limits_that_another_change_has_just_set(account: Account) -> None:
    account.limit(in_flight=5)
    calls = 0

    def one_more(limits: AccountLimits) -> AccountLimits:
        nonlocal calls
        calls += 1
        if calls == 1:
            set_limits(account, in_flight=10)
        return limits.model_copy(update={"in_flight": (limits.in_flight or 0) + 1})

    with account.database.statement() as sql:
        assert admission_control.set_limits(sql, account.name, one_more, WHY).in_flight == 11


def test_work_at_the_vendor_counts_when_the_account_gets_limits(account: Account) -> None:
    account.limit()
    at_the_vendor(account)
    set_limits(account, in_flight=2)
    customer = account.customer()
    assert [account.asks(customer).has_place for _ in range(2)] == [True, False]


def test_work_counts_for_its_family_when_the_families_change(account: Account) -> None:
    account.limit(in_flight=10)
    customer = account.customer()
    assert account.asks(customer).has_place
    set_limits(account, in_flight=10, families={"all": {"models": ["a-*"], "in_flight": 1}})
    assert not account.asks(customer, pool="all").has_place
    set_limits(account, in_flight=10)
    assert len(account.grant()) == 1


@pytest.mark.parametrize("scope", PauseScope)
def test_paused_work_waits_until_it_is_resumed(account: Account, scope: PauseScope) -> None:
    account.limit(in_flight=5)
    customer = account.customer()
    asked = account.asks(customer)
    names = {
        PauseScope.MODEL: asked.claim.order.model,
        PauseScope.PROVIDER: account.name,
        PauseScope.ROUTE: f"{account.name}/a-model",
        PauseScope.CUSTOMER: str(customer.id),
    }
    assert asked.has_place
    with account.database.statement() as sql:
        admission_control.pause(sql, scope, names[scope], WHY)
    waiting = account.asks(customer)
    release(account)
    assert (waiting.has_place, account.grant()) == (False, [])

    with account.database.statement() as sql:
        admission_control.resume(sql, scope, names[scope], WHY)
    release(account)
    assert account.grant() == [waiting.id]


def test_resume_of_what_is_not_paused_names_the_pauses(account: Account) -> None:
    with account.database.statement() as sql:
        admission_control.pause(sql, PauseScope.MODEL, "nano-banana", WHY)
        with pytest.raises(NotFound, match="Paused: model nano-banana"):
            admission_control.resume(sql, PauseScope.MODEL, "banana", WHY)


def test_the_state_of_an_account_shows_its_work_and_its_limits(account: Account) -> None:
    account.limit(in_flight=2, creates=[{"most": 10, "seconds": 3600}])
    customer, paused = account.customer(), account.customer()
    with account.database.statement() as sql:
        admission_control.pause(sql, PauseScope.CUSTOMER, str(paused.id), WHY)
    account.asks(paused)
    for _ in range(3):
        account.asks(customer)
    set_limits(account, in_flight=3, creates=[{"most": 4, "seconds": 3600}])

    with account.database.statement() as sql:
        (state,) = account_states(sql)
    assert (state.account, state.limits.in_flight, state.declared.in_flight) == (account.name, 3, 2)
    assert (state.use.in_flight, state.use.waiting, state.use.in_windows) == (2, 1, [2])
    assert state.held == {"pause": 1}
    assert state.used == pytest.approx(2 / 3)


def test_a_process_sees_a_pause_when_its_view_ends(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admission.gate.VIEW_LASTS_SECONDS", 0)
    gates = [Gate(account.database, account.settings.admission, {}, lambda *_: None, wake_in=10) for _ in range(2)]
    assert [gate.needs_place(account.route) for gate in gates] == [False, False]
    with account.database.statement() as sql:
        admission_control.pause(sql, PauseScope.PROVIDER, account.name, WHY)
    assert [gate.needs_place(account.route) for gate in gates] == [True, True]
