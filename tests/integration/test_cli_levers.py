"""`reelworks generations retry | fail | cancel | refund | redeliver | replay`."""

import io
import json
import sys
from collections.abc import Callable
from uuid import UUID

import pytest
from rich.console import Console

from cli.commands import levers as levers_command
from schemas.enums import Stage
from schemas.settings import Settings
from storage.database import Database
from storage.ledger import Balance
from storage.levers import running
from storage.objects import ObjectStore
from tests.integration.command import Reelworks
from tests.integration.gateway import finishing
from tests.integration.levers import Levers
from tests.support import NewCustomer

WHY = ("--reason", "the vendor was away")


@pytest.fixture
def levers(database: Database, settings: Settings, objects: ObjectStore) -> Levers:
    return Levers(database, settings, objects)


@pytest.fixture
def completed(levers: Levers, customer: NewCustomer) -> list[UUID]:
    """Three generations that cost 10 of the customer's 100 credits each."""
    return sorted(levers.make(customer, Stage.COMPLETED) for _ in range(3))


def test_dry_run_shows_count_and_money_and_changes_nothing(
    reelworks: Reelworks, levers: Levers, customer: NewCustomer, completed: list[UUID]
) -> None:
    said = reelworks("generations", "refund", "--where", "status=completed", *WHY, "--dry-run").out
    assert "refund acts on 3 of 3 selected generations\ngiven back to customers: 30 credits" in said
    assert str(completed[0]) in said
    told = json.loads(
        reelworks("generations", "refund", "--where", "status=completed", *WHY, "--dry-run", "--json").out
    )
    assert (told["count"], told["credits"], sorted(told["sample"])) == (3, 30, [str(one) for one in completed])
    assert levers.balance(customer) == Balance(70, 0)
    assert json.loads(reelworks("changes", "--json").out) == []


def test_terminal_shows_how_many_a_count_has_read(
    reelworks: Reelworks, completed: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(levers_command, "errors", Console(file=shown, force_terminal=True))
    reelworks("generations", "refund", "--where", "status=completed", *WHY, "--dry-run")
    assert "refund: counting, 3 generations read" in shown.getvalue()


@pytest.mark.parametrize(("most", "status", "left"), [("3", 0, 100), ("30", 0, 100), ("2", 2, 70), ("0", 2, 70)])
def test_scripts_name_the_highest_number(
    reelworks: Reelworks,
    levers: Levers,
    customer: NewCustomer,
    completed: list[UUID],
    most: str,
    status: int,
    left: int,
) -> None:
    ended = reelworks("generations", "refund", "--where", f"customer_id={customer.id}", *WHY, "--yes", most)
    assert ended.status == status
    assert levers.balance(customer) == Balance(left, 0)
    if status:
        assert f"the number stands for {most} generations and there are 3 now: nothing was done" in ended.err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "status", "left"), [("3", 0, 100), ("2", 2, 70), ("y", 2, 70), ("", 2, 70)])
def test_people_type_the_number(
    reelworks: Reelworks,
    levers: Levers,
    customer: NewCustomer,
    completed: list[UUID],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    status: int,
    left: int,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(f"{typed}\n"))
    assert reelworks("generations", "refund", *map(str, completed), *WHY).status == status
    assert levers.balance(customer) == Balance(left, 0)


class SlowTerminal(Terminal):
    """A terminal whose operator takes a while to type."""

    def __init__(self, typed: str, meanwhile: Callable[[], None]) -> None:
        super().__init__(typed)
        self._meanwhile = meanwhile

    def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]  # as StringIO
        self._meanwhile()
        return super().readline(-1 if size is None else size)


def test_selection_that_grows_while_the_number_is_typed_is_refused(
    reelworks: Reelworks, levers: Levers, customer: NewCustomer, completed: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    joining = levers.make(customer, Stage.QUEUED)

    def join() -> None:
        finishing.complete(levers.database, levers.settings, levers.objects, joining, b"a picture")

    monkeypatch.setattr(sys, "stdin", SlowTerminal("3\n", join))
    ended = reelworks("generations", "refund", "--where", "status=completed", *WHY)
    assert ended.status == 2
    assert "the number stands for 3 generations and there are 4 now: nothing was done" in ended.err
    assert levers.balance(customer) == Balance(60, 0)


def test_without_a_terminal_the_number_must_be_given(
    reelworks: Reelworks, levers: Levers, customer: NewCustomer, completed: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("3\n"))
    ended = reelworks("generations", "refund", "--all", *WHY)
    assert (ended.status, "--yes 3 is missing" in ended.err) == (2, True)
    assert levers.balance(customer) == Balance(70, 0)


def test_run_tells_its_effects_and_stands_in_the_history(
    reelworks: Reelworks, levers: Levers, customer: NewCustomer
) -> None:
    queued, generating = levers.make(customer, Stage.QUEUED), levers.make(customer, Stage.GENERATING)
    ended = reelworks("generations", "cancel", "--where", "provider=kie", *WHY, "--yes", "2")
    assert ended.status == 1, "one was refused"
    assert "1 ended\nrefused 1: kie has begun it and cannot stop it" in ended.out
    (change,) = json.loads(reelworks("changes", "--json").out)
    assert f"change {change['id']}" in ended.out
    assert (change["action"], change["name"], change["reason"]) == ("cancel", "provider=kie", "the vendor was away")
    assert change["after"] == {"ended": 1, "refused: not_cancellable": 1}
    assert "@" in change["author"]
    shown = reelworks("inspect", str(queued)).out
    assert (change["id"] in shown, "operator_acted" in shown) == (True, True)
    assert change["id"] not in reelworks("inspect", str(generating)).out


def test_programs_read_the_effects_as_json(reelworks: Reelworks, completed: list[UUID]) -> None:
    told = json.loads(reelworks("generations", "refund", "--all", *WHY, "--yes", "3", "--json").out)
    assert (told["done"], told["refused"]) == ({"refunded": 3}, {})
    told = json.loads(reelworks("generations", "refund", "--all", *WHY, "--yes", "3", "--json").out)
    assert (told["done"], told["refused"]) == ({}, {})


def test_nothing_to_do_is_said_with_the_rule(reelworks: Reelworks, completed: list[UUID]) -> None:
    ended = reelworks("generations", "replay", *map(str, completed), *WHY)
    assert (ended.status, "it acts on those that wait for their provider" in ended.out) == (0, True)


def test_ctrl_c_stops_after_a_generation_and_the_same_command_goes_on(
    reelworks: Reelworks, levers: Levers, customer: NewCustomer, completed: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> object:
        yield next(kept(*arguments))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    kept = running.act_on_all
    monkeypatch.setattr(running, "act_on_all", interrupted)
    ended = reelworks("generations", "refund", "--all", *WHY, "--yes", "3")
    assert (ended.status, "stopped after 1 of 3" in ended.err) == (130, True)
    assert levers.balance(customer) == Balance(80, 0)
    monkeypatch.setattr(running, "act_on_all", kept)
    assert "2 refunded" in reelworks("generations", "refund", "--all", *WHY, "--yes", "3").out
    assert levers.balance(customer) == Balance(100, 0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "selects everything: name a condition, or `all`"),
        (
            ["--where", "stage=queued,submitting,generating,downloading,storing,settling,completed,failed,cancelled"],
            "all",
        ),
        (["--all", "--where", "provider=kie"], "`all` stands alone"),
        (["--where", "colour=red"], "must be FIELD=VALUE. Fields: customer_id"),
        (["--where", "provider"], "must be FIELD=VALUE"),
        (["--where", "provider="], "the value is missing"),
        (["--where", "stage=done"], "--where stage.0: Input should be 'queued'"),
        (["--where", "kind=image", "--where", "kind=video"], "kind was given already"),
        (["--where", "accepted_after=yesterday"], "--where accepted_after"),
        (["--where", "id=1"], "must be FIELD=VALUE"),
        (["--where", "all=true"], "must be FIELD=VALUE"),
        (["1234"], "Input should be a valid UUID"),
    ],
)
def test_wrong_selection_is_refused(
    reelworks: Reelworks, levers: Levers, customer: NewCustomer, completed: list[UUID], options: list[str], says: str
) -> None:
    ended = reelworks("generations", "refund", *options, *WHY, "--yes", "1000")
    assert (ended.status, says in ended.err) == (2, True), ended.err
    assert levers.balance(customer) == Balance(70, 0)


def test_dry_run_tells_the_creates_that_may_have_left(
    reelworks: Reelworks, levers: Levers, customer: NewCustomer
) -> None:
    levers.make(customer, Stage.SUBMITTING)
    said = reelworks("generations", "fail", "--all", *WHY, "--dry-run").out
    assert "may be at their providers, who never said so, and may bill the work: 1" in said


def test_help_of_retry_says_which_creates_are_ordered_again(reelworks: Reelworks) -> None:
    said = " ".join(reelworks("generations", "retry", "--help").out.split())
    assert "Leaves `submit_outcome_unknown`, unless the selection names this" in said


def test_reason_is_needed(reelworks: Reelworks, completed: list[UUID]) -> None:
    ended = reelworks("generations", "refund", "--all", "--yes", "3")
    assert (ended.status, "--reason" in ended.err) == (2, True)


def test_times_are_moments_or_ages(reelworks: Reelworks, completed: list[UUID]) -> None:
    for condition, count in (
        ("accepted_after=1h", 3),
        ("accepted-before=1h", 0),
        ("accepted_after=2020-01-01T00:00Z", 3),
    ):
        said = reelworks("generations", "refund", "--where", condition, *WHY, "--dry-run", "--json")
        assert json.loads(said.out)["count"] == count, condition
