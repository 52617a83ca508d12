"""`reelworks keys`, `services` and `customers delete`."""

import io
import json
import sys
from uuid import UUID

import pytest

from schemas.enums import Scope
from storage import customers
from storage.customers import Authenticated
from storage.database import Database
from storage.sql import of
from tests.integration.command import Reelworks
from tests.support import NewCustomer


def known(database: Database, key: str) -> Authenticated:
    with database.transaction() as session:
        found = customers.authenticate(of(session), key)
    assert found is not None
    return found


def key_in(out: str) -> str:
    return out.partition("api key  ")[2].split()[0]


def test_key_is_made_on_its_terms_and_listed(reelworks: Reelworks, database: Database, customer: NewCustomer) -> None:
    terms = ("--name", "shop", "--scope", "read", "--daily-cap", "50", "--expires-in", "90d", "--test")
    key = key_in(reelworks("keys", "create", str(customer.id), *terms).out)

    assert key.startswith("rw_test_")
    made = known(database, key).key
    assert (made.scopes, made.quota.credits_per_day, made.is_test, made.is_expired) == (
        frozenset({Scope.READ}),
        50,
        True,
        False,
    )
    listed = json.loads(reelworks("keys", "list", str(customer.id), "--json").out)[0]
    assert (listed["prefix"], listed["name"], listed["scopes"], listed["test"]) == (key[:13], "shop", "read", True)
    assert listed["expires_at"] is not None
    assert key[:13] in reelworks("keys", "list").out


def test_service_is_made_with_a_key(reelworks: Reelworks, database: Database) -> None:
    service = reelworks("services", "create", "web shop").out.split()[1]
    key = key_in(reelworks("keys", "create", "--service", service, "--scope", "generate", "--makes-customers").out)

    made = known(database, key).key
    assert (made.owner.service_id, made.makes_customers) == (UUID(service), True)
    assert [one["name"] for one in json.loads(reelworks("services", "list", "--json").out)] == ["web shop"]
    again = reelworks("services", "create", "web shop")
    assert (again.status, "is taken" in again.err) == (1, True)
    assert key_in(reelworks("keys", "create", "--operator", "--scope", "credits:grant").out)


@pytest.mark.parametrize("owner", [(), ("--operator", "--service", "6d5d22ff-00a1-4cc1-b35d-3a97fd57e970")])
def test_key_has_one_owner(reelworks: Reelworks, owner: tuple[str, ...]) -> None:
    ended = reelworks("keys", "create", *owner)

    assert ended.status == 2
    assert "name one owner" in ended.err


def test_customers_key_grants_no_credits(reelworks: Reelworks, customer: NewCustomer) -> None:
    ended = reelworks("keys", "create", str(customer.id), "--scope", "credits:grant")

    assert (ended.status, "a customer's key cannot have `credits:grant`" in ended.err) == (1, True)


@pytest.mark.parametrize("ends_in", ["0s", "12h"])
def test_rotated_key_works_until_its_end(
    reelworks: Reelworks, database: Database, customer: NewCustomer, ends_in: str
) -> None:
    ended = reelworks("keys", "rotate", customer.api_key[:8], "--ends-in", ends_in)

    assert known(database, key_in(ended.out)).key.owner.customer_id == customer.id
    assert f"{customer.api_key[:8]} ends at " in ended.out
    assert known(database, customer.api_key).key.is_expired is (ends_in == "0s")


@pytest.mark.parametrize("wrong", ["soon", "5", "-1d", "1y"])
def test_wrong_time_is_refused(reelworks: Reelworks, customer: NewCustomer, wrong: str) -> None:
    assert reelworks("keys", "rotate", customer.api_key, f"--ends-in={wrong}").status == 2


def test_key_is_revoked_without_its_owner(reelworks: Reelworks, database: Database, customer: NewCustomer) -> None:
    assert reelworks("keys", "revoke", customer.api_key).out == "1 key(s) revoked\n"

    assert known(database, customer.api_key).key.is_revoked
    assert reelworks("keys", "revoke", customer.api_key).status == 1


def test_customer_is_deleted_once_and_after_a_question(
    reelworks: Reelworks, database: Database, customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert reelworks("customers", "delete", str(customer.id)).status == 1
    assert known(database, customer.api_key)

    assert reelworks("customers", "delete", str(customer.id), "--yes").out == f"customer {customer.id} is deleted\n"

    with database.transaction() as session:
        assert customers.authenticate(of(session), customer.api_key) is None
    assert json.loads(reelworks("customers", "list", "--json").out) == []
    assert reelworks("customers", "delete", str(customer.id), "--yes").status == 1


def test_key_is_changed_and_its_new_terms_are_told(
    reelworks: Reelworks, database: Database, customer: NewCustomer
) -> None:
    key = customer.api_key
    told = reelworks("keys", "change", key[:8], "--name", "shop", "--daily-cap", "5", "--expires-in", "90d").out

    assert told.startswith(f"{key[:8]} may spend 5 credits a day and ends at ")
    assert known(database, key).key.quota.credits_per_day == 5
    assert reelworks("keys", "change", key, "--no-daily-cap", "--no-end").out == (
        f"{key[:8]} has no daily cap and has no end\n"
    )
    listed = json.loads(reelworks("keys", "list", str(customer.id), "--json").out)[0]
    assert (listed["name"], listed["daily_cap"], listed["expires_at"]) == ("shop", None, None)


@pytest.mark.parametrize("options", [(), ("--name", "shop", "--no-name"), ("--daily-cap", "-1")])
def test_change_of_nothing_or_of_both_ways_is_refused(
    reelworks: Reelworks, customer: NewCustomer, options: tuple[str, ...]
) -> None:
    assert reelworks("keys", "change", customer.api_key, *options).status == 2
