"""`reelworks customers limits`, and the limits of keys."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from schemas.quotas import OnLimit, Quota
from storage import customers
from storage.database import Database
from storage.sql import of
from tests.integration.command import Reelworks
from tests.support import NewCustomer

Shown = Callable[..., dict[str, Any]]


@pytest.fixture
def limits(reelworks: Reelworks, customer: NewCustomer) -> Shown:
    """Changes the limits of a customer, and returns them."""

    def change(*options: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(reelworks("customers", "limits", str(customer.id), *options, "--json").out)
        return shown

    return change


def test_limits_are_changed_one_by_one_and_shown(limits: Shown, reelworks: Reelworks, customer: NewCustomer) -> None:
    unlimited = limits()
    assert (unlimited["weight"], unlimited["in_flight"], unlimited["on_limit"]) == (1.0, None, "reject")

    changed = limits("--in-flight", "20", "--credits-per-day", "5000", "--weight", "2.5", "--on-limit", "wait")
    assert (changed["in_flight"], changed["credits_per_day"], changed["weight"]) == (20, 5000, 2.5)
    assert limits("--no-in-flight")["in_flight"] is None
    assert limits("--test", "--per-day", "3")["per_day"] == 3
    assert limits()["per_day"] is None
    text = reelworks("customers", "limits", str(customer.id)).out
    assert "credits per day 0 of 5000" in text
    assert "over a limit    wait" in text


def test_wrong_limits_are_refused(reelworks: Reelworks, customer: NewCustomer) -> None:
    both = reelworks("customers", "limits", str(customer.id), "--per-day", "3", "--no-per-day")
    assert (both.status, "removes the old one" in both.err) == (2, True)
    assert reelworks("customers", "limits", str(customer.id), "--per-day", "-1").status == 2
    unknown = reelworks("customers", "limits", str(uuid4()))
    assert (unknown.status, "there is no customer" in unknown.err) == (1, True)


def test_key_is_made_and_changed_with_limits(reelworks: Reelworks, database: Database, customer: NewCustomer) -> None:
    made = reelworks("keys", "create", str(customer.id), "--in-flight", "5", "--per-day", "100")
    key = made.out.partition("api key  ")[2].split()[0]
    changed = reelworks("keys", "change", key, "--no-in-flight", "--on-limit", "wait")
    assert "100 generations a day, and orders over a limit wait" in changed.out

    with database.transaction() as session:
        found = customers.authenticate(of(session), key)
    assert found is not None
    assert found.key.quota == Quota(per_day=100, on_limit=OnLimit.WAIT)
    listed = json.loads(reelworks("keys", "list", str(customer.id), "--json").out)[0]
    assert (listed["in_flight"], listed["per_day"], listed["on_limit"]) == (None, 100, "wait")
