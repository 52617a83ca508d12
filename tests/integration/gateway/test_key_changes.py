"""`PATCH /v1/keys/{id}`: new names, caps and ends of keys."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from schemas.enums import Scope
from schemas.quotas import OnLimit
from storage.api_keys import Owner
from storage.database import Database
from tests.integration.gateway.test_keys import ALL, ORDER, PRICE
from tests.support import NewCustomer


class Key:
    """A key and its requests."""

    def __init__(self, gateway: httpx.Client, material: str) -> None:
        self._gateway = gateway
        self.headers = {"X-API-Key": material}
        self.id = self.me()["id"]

    def me(self) -> dict[str, Any]:
        found: dict[str, Any] = self._gateway.get("/v1/me", headers=self.headers).json()["key"]
        return found

    def change(self, other: "Key", **wanted: object) -> httpx.Response:
        return self._gateway.patch(f"/v1/keys/{other.id}", json=wanted, headers=self.headers)

    def refused(self, other: "Key", **wanted: object) -> list[str]:
        """The fields that a refusal names."""
        answer = self.change(other, **wanted)
        assert answer.status_code == 422
        return [error["field"] for error in answer.json().get("errors", [])]

    def order(self) -> httpx.Response:
        return self._gateway.post("/v1/generations", json=ORDER, headers=self.headers)

    def cancel(self, ordered: httpx.Response) -> None:
        path = f"{ordered.headers['location']}/cancel"
        assert self._gateway.post(path, headers=self.headers).status_code == 200


@pytest.fixture
def key(gateway: httpx.Client, make_key: Callable[..., str], customer: NewCustomer) -> Callable[..., Key]:
    """Makes a key of the customer."""
    return lambda **terms: Key(gateway, make_key(Owner(customer.id), **{"scopes": ALL, **terms}))


def test_each_term_changes_alone_and_null_removes_it(key: Callable[..., Key]) -> None:
    admin, shop = key(), key(name="shop", daily_cap=10, expires_in=timedelta(hours=1))
    before = shop.me()

    renamed = admin.change(shop, name="web shop")
    assert renamed.status_code == 200
    assert {**before, "name": "web shop"} | {"last_used_at": None} == renamed.json() | {"last_used_at": None}
    assert admin.change(shop, daily_cap=25).json()["daily_cap"] == 25
    end = datetime.fromisoformat(admin.change(shop, expires_in=60).json()["expires_at"])
    assert timedelta(0) < end - datetime.now(UTC) <= timedelta(seconds=60)
    bare = admin.change(shop, name=None, daily_cap=None, expires_in=None).json()
    assert (bare["name"], bare["daily_cap"], bare["spent_today"], bare["expires_at"]) == (None, None, None, None)
    assert admin.change(shop).json()["id"] == shop.id


def test_wrong_changes_change_nothing(key: Callable[..., Key]) -> None:
    admin, shop = key(), key(name="shop", daily_cap=10)

    assert admin.refused(shop, name="") == ["name"]
    assert admin.refused(shop, name="web shop", daily_cap=-1) == ["daily_cap"]
    assert admin.refused(shop, name="web shop", expires_in=0) == ["expires_in"]
    assert admin.refused(shop, name="web shop", scopes=["read"]) == ["scopes"]
    assert (shop.me()["name"], shop.me()["daily_cap"]) == ("shop", 10)


def test_key_that_has_ended_stays_ended(gateway: httpx.Client, key: Callable[..., Key], database: Database) -> None:
    admin, shop = key(), key(expires_in=timedelta(hours=1))
    with database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE api_keys SET expires_at = now() WHERE expires_at IS NOT NULL")

    assert admin.refused(shop, expires_in=3600) == []
    assert "has ended: make a new key" in admin.change(shop, expires_in=3600).json()["detail"]


def test_key_gives_no_more_than_its_own_terms_and_takes_at_will(key: Callable[..., Key]) -> None:
    maker = key(daily_cap=10, expires_in=timedelta(hours=1))
    rich, ends_soon = key(), key(daily_cap=5, expires_in=timedelta(minutes=1))

    assert maker.refused(maker, daily_cap=11) == ["daily_cap"]
    assert maker.refused(maker, daily_cap=None) == ["daily_cap"]
    assert maker.refused(maker, expires_in=None) == ["expires_in"]
    assert maker.refused(ends_soon, expires_in=7200) == ["expires_in"]
    # A higher cap, and a later end of a key with a cap apart, would be a second cap of the maker.
    assert maker.refused(ends_soon, daily_cap=10) == []
    assert maker.refused(ends_soon, expires_in=1800) == []
    assert (ends_soon.me()["daily_cap"], maker.me()["daily_cap"]) == (5, 10)

    assert maker.change(rich, daily_cap=1000, name="shop").status_code == 200
    assert maker.change(ends_soon, daily_cap=4, expires_in=30).status_code == 200
    assert maker.change(maker, daily_cap=9, expires_in=60).status_code == 200
    assert maker.refused(maker, daily_cap=10) == ["daily_cap"]


def test_limited_key_ends_the_wait_at_its_limits(key: Callable[..., Key]) -> None:
    maker = key(daily_cap=10, on_limit=OnLimit.WAIT)

    assert maker.change(maker, on_limit="reject").status_code == 200


def test_key_without_a_scope_gives_no_cap_to_a_key_with_it(key: Callable[..., Key]) -> None:
    maker, shop = key(scopes=(Scope.READ, Scope.ADMIN)), key(daily_cap=5)

    assert maker.refused(shop, daily_cap=6) == ["scopes"]
    assert maker.change(shop, daily_cap=4).status_code == 200


def test_lower_cap_counts_the_orders_of_the_day(key: Callable[..., Key]) -> None:
    admin, shop = key(), key(daily_cap=10 * PRICE)
    assert [shop.order().status_code for _ in range(2)] == [202, 202]

    assert admin.change(shop, daily_cap=PRICE).json()["spent_today"] == 2 * PRICE
    assert shop.order().json()["code"] == "daily_cap_reached"
    admin.change(shop, daily_cap=3 * PRICE)
    assert [shop.order().status_code for _ in range(2)] == [202, 402]


def test_release_of_an_order_from_before_the_cap_gives_nothing_back(key: Callable[..., Key]) -> None:
    admin, shop = key(), key()
    before = shop.order()
    admin.change(shop, daily_cap=PRICE)
    counted = shop.order()
    assert shop.order().status_code == 402

    shop.cancel(before)
    assert shop.me()["spent_today"] == PRICE
    assert shop.order().status_code == 402
    shop.cancel(counted)
    assert shop.order().status_code == 202


def test_orders_without_a_cap_do_not_count_for_the_keys_that_shared_it(
    key: Callable[..., Key], gateway: httpx.Client
) -> None:
    admin, maker = key(), key(daily_cap=PRICE)
    rotated = gateway.post(f"/v1/keys/{maker.id}/rotate", headers=maker.headers).json()["key"]
    successor = Key(gateway, rotated)
    assert maker.order().status_code == 202
    admin.change(successor, daily_cap=None)

    free = successor.order()
    assert free.status_code == 202
    successor.cancel(free)

    assert maker.me()["spent_today"] == PRICE
    assert maker.order().status_code == 402


def test_key_of_another_owner_is_not_found(
    key: Callable[..., Key],
    make_key: Callable[..., str],
    gateway: httpx.Client,
    make_customer: Callable[[int], NewCustomer],
) -> None:
    theirs = Key(gateway, make_key(Owner(make_customer(0).id)))

    assert key().change(theirs, name="mine").status_code == 404
