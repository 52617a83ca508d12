"""`reelworks limits`, `pause` and `resume`."""

import json

import pytest

from schemas.limits import AccountLimits
from storage import admission
from storage.database import Database
from tests.integration.command import Reelworks
from tests.support import NewCustomer

KIE = {"REELWORKS_PROVIDERS__KIE__API_KEY": "a-key"}


@pytest.fixture(autouse=True)
def accounts(database: Database) -> None:
    declared = {"kie": AccountLimits.model_validate({"in_flight": 100, "creates": [{"most": 20, "seconds": 10}]})}
    with database.statement() as sql:
        admission.declare(sql, {**declared, "fal": AccountLimits()})


def limits_of(reelworks: Reelworks, account: str) -> dict[str, object]:
    (state,) = json.loads(reelworks("limits", account, "--json").out)["accounts"]
    limits: dict[str, object] = state["limits"]
    return limits


def test_limits_of_an_account_change_live_and_go_back(reelworks: Reelworks) -> None:
    said = reelworks("limits", "set", "kie", "--in-flight", "50", "--creates", "10/10s", "--creates", "500/1h")
    assert said.out == "kie: 50 in flight, 10 creates in 10 s, 500 creates in 3600 s\n"
    assert limits_of(reelworks, "kie")["in_flight"] == 50
    assert reelworks("limits", "set", "kie", "--creates", "none", "--reserve", "5").out == (
        "kie: 50 in flight, 5 of them in reserve\n"
    )
    shown = reelworks("limits").out
    assert "0/50" in shown
    assert "set by an operator; declared: 100 in flight, 20 creates in 10 s" in shown

    assert reelworks("limits", "reset", "kie", "--reason", "back").out == "kie: 100 in flight, 20 creates in 10 s\n"
    assert limits_of(reelworks, "kie")["in_flight"] == 100


def test_families_are_set_as_json(reelworks: Reelworks) -> None:
    given = {"families": {"veo": {"models": ["veo*"], "in_flight": 5}}}
    assert reelworks("limits", "set", "fal", "--limits", json.dumps(given)).out == "fal: family veo\n"
    assert "veo" in reelworks("limits", "fal").out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "name a limit"),
        (["--in-flight", "many"], "in_flight: Input should be a valid integer"),
        (["--in-flight", "-1"], "in_flight: Input should be greater than or equal to 0"),
        (["--creates", "20"], "must be a number of creates and a time, such as 20/10s"),
        (["--creates", "0/10s"], "creates.0.most: Input should be greater than or equal to 1"),
        (["--limits", "{"], "--limits: Invalid JSON"),
        (["--limits", '{"inflight": 5}'], "inflight: Extra inputs are not permitted"),
        (["--limits", "{}", "--reserve", "1"], "--limits names all limits"),
    ],
)
def test_wrong_limits_change_nothing(reelworks: Reelworks, options: list[str], says: str) -> None:
    before = limits_of(reelworks, "kie")
    ended = reelworks("limits", "set", "kie", *options)
    assert ended.status == 2
    assert says in ended.err
    assert limits_of(reelworks, "kie") == before
    assert json.loads(reelworks("limits", "history", "--json").out) == []


def test_an_unknown_account_is_refused_with_the_known(reelworks: Reelworks) -> None:
    for command in (["show"], ["set", "--in-flight", "1"], ["reset"]):
        ended = reelworks("limits", *command, "kei")
        assert (ended.status, "there is no account kei. Accounts: fal, kie" in ended.err) == (1, True)


def test_the_history_says_who_changed_what_and_why(reelworks: Reelworks) -> None:
    reelworks("limits", "set", "kie", "--in-flight", "50", "--reason", "the plan is smaller")
    reelworks("pause", "provider", "kie", "--reason", "away")
    reelworks("resume", "provider", "kie")

    changes = json.loads(reelworks("limits", "history", "--json").out)
    assert [(one["action"], one["name"], one["reason"]) for one in changes] == [
        ("resume", "kie", None),
        ("pause", "kie", "away"),
        ("set", "kie", "the plan is smaller"),
    ]
    assert all("@" in one["author"] for one in changes)
    assert "set limits kie" in reelworks("limits", "history").out


def test_everything_that_can_be_paused_is_listed_until_it_is_resumed(
    reelworks: Reelworks, customer: NewCustomer
) -> None:
    route = reelworks_route(reelworks)
    things = [("model", "nano-banana"), ("provider", "kie"), ("route", route), ("customer", str(customer.id))]
    for scope, name in things:
        assert reelworks("pause", scope, name, "--reason", "a test", **KIE).status == 0
    paused = json.loads(reelworks("limits", "--json").out)["pauses"]
    assert [(one["scope"], one["name"], one["reason"]) for one in reversed(paused)] == [
        (*thing, "a test") for thing in things
    ]
    for scope, name in things:
        assert f"paused: {scope} {name}" in reelworks("limits").out
        assert reelworks("resume", scope, name).status == 0
    assert json.loads(reelworks("limits", "--json").out)["pauses"] == []


def test_status_shows_the_accounts_with_limits(reelworks: Reelworks, database: Database) -> None:
    with database.statement() as sql:
        sql.run(
            "UPDATE admission_accounts SET closed_until = now() + interval '1 hour', closed_reason = 'no_money' "
            "WHERE provider = 'kie'"
        )
    ask = ("status", "--patience", "0.5", "--gateway", "http://127.0.0.1:1")
    (account,) = json.loads(reelworks(*ask, "--json").out)["accounts"]
    assert (account["account"], account["use"]) == ("kie", {"in_flight": 0, "waiting": 0, "in_windows": [0, 0]})
    shown = reelworks(*ask).out
    assert "0 of 100" in shown
    assert "The account kie takes nothing until" in shown
    assert "the account is out of money" in shown
    with database.statement() as sql:
        sql.run("UPDATE admission_accounts SET closed_until = now() WHERE provider = 'kie'")
    assert "The account kie gets one create now and then: the account is out of money" in reelworks(*ask).out


def reelworks_route(reelworks: Reelworks) -> str:
    """A route that the error for an unknown one names."""
    said = reelworks("pause", "route", "kie/nothing", **KIE).err
    return said.partition("Known: ")[2].split(", ")[0].replace("\n", "")


@pytest.mark.parametrize(
    ("scope", "name", "says"),
    [
        ("model", "nano-bananna", "there is no model nano-bananna here. Known: "),
        ("provider", "kei", "there is no provider kei here. Known: fal, kie"),
        ("route", "kie", "there is no route kie here"),
        ("customer", "acme", "there is no customer acme: name one by our id"),
    ],
)
def test_a_pause_of_nothing_is_refused(reelworks: Reelworks, scope: str, name: str, says: str) -> None:
    ended = reelworks("pause", scope, name, **KIE)
    assert (ended.status, says in ended.err) == (1, True)
    assert json.loads(reelworks("limits", "--json").out)["pauses"] == []


def test_resume_of_what_is_not_paused_names_the_pauses(reelworks: Reelworks) -> None:
    reelworks("pause", "provider", "fal")
    ended = reelworks("resume", "provider", "kie")
    assert (ended.status, ended.err) == (1, "the provider kie is not paused. Paused: provider fal\n")
