"""Limits of customers and of API keys over HTTP: exact with parallel orders, and in the words of a refusal."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import text

from api_gateway import create_app
from schemas.settings import Settings
from storage import ledger, quota_settings
from storage.api_keys import Owner
from storage.database import Database
from storage.quota_settings import LimitChanges
from storage.sql import of
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer

ORDER = {"model": "nano-banana", "prompt": "a lighthouse"}
PRICE = 4

Limit = Callable[..., None]


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    with serving(create_app(settings)) as client:
        yield client


@pytest.fixture
def limit(database: Database) -> Limit:
    """Sets the limits of a customer."""

    def change(customer: NewCustomer, **changes: object) -> None:
        with database.transaction() as session:
            quota_settings.change(of(session), customer.id, LimitChanges(**changes))  # type: ignore[typeddict-item]

    return change


@pytest.fixture
def limit_key(database: Database) -> Limit:
    """Sets the limits of the newest key."""

    def change(key: str, **changes: object) -> None:
        assignments = ", ".join(f"{name} = :{name}" for name in changes)
        with database.transaction() as session:
            session.execute(
                text(f"UPDATE api_keys SET {assignments} WHERE prefix = :prefix"), {**changes, "prefix": key[:8]}
            )

    return change


def order(gateway: httpx.Client, headers: dict[str, str], **fields: object) -> httpx.Response:
    return gateway.post("/v1/generations", json={**ORDER, **fields}, headers=headers)


def batch(gateway: httpx.Client, headers: dict[str, str], count: int) -> httpx.Response:
    return gateway.post("/v1/batches", json={"requests": [ORDER] * count}, headers=headers)


def codes(answers: list[httpx.Response]) -> tuple[int, int]:
    statuses = [answer.status_code for answer in answers]
    return statuses.count(202), statuses.count(429)


@pytest.mark.parametrize("limits", [{"in_flight": 50}, {"per_day": 50}, {"credits_per_day": 50 * PRICE + 3}])
def test_parallel_orders_never_exceed_a_limit_of_the_customer(
    gateway: httpx.Client, make_customer: Callable[[int], NewCustomer], limit: Limit, database: Database,
    limits: dict[str, int],
) -> None:  # fmt: skip
    customer = make_customer(10_000)
    limit(customer, **limits)

    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda _: order(gateway, customer.headers), range(200)))

    assert codes(answers) == (50, 150)
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == ledger.Balance(available=9800, held=200)


@pytest.mark.parametrize("limits", [{"in_flight": 50}, {"per_day": 50}])
def test_parallel_orders_never_exceed_a_limit_of_the_key(
    gateway: httpx.Client, make_customer: Callable[[int], NewCustomer], make_key: Callable[..., str], limit_key: Limit,
    limits: dict[str, int],
) -> None:  # fmt: skip
    customer = make_customer(10_000)
    key = make_key(Owner(customer.id))
    limit_key(key, **limits)

    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda _: order(gateway, {"X-API-Key": key}), range(200)))

    assert codes(answers) == (50, 150)
    assert order(gateway, customer.headers).status_code == 202


def test_batch_counts_all_its_parts_or_none(
    gateway: httpx.Client, make_customer: Callable[[int], NewCustomer], limit: Limit
) -> None:
    customer = make_customer(10_000)
    limit(customer, in_flight=10)

    assert batch(gateway, customer.headers, 7).status_code == 202
    refused = batch(gateway, customer.headers, 4)
    assert (refused.status_code, refused.json()["used"], refused.json()["needed"]) == (429, 7, 4)
    assert batch(gateway, customer.headers, 3).status_code == 202
    too_large = batch(gateway, customer.headers, 11)
    assert (too_large.status_code, too_large.json()["retry_after"]) == (429, None)
    assert "retry-after" not in too_large.headers
    assert "send a smaller one" in too_large.json()["detail"]


def test_generation_that_ends_frees_a_place_and_its_credits_and_counts_for_the_day(
    gateway: httpx.Client, customer: NewCustomer, limit: Limit
) -> None:
    limit(customer, in_flight=1, credits_per_day=PRICE, per_day=2)
    first = order(gateway, customer.headers)
    assert order(gateway, customer.headers).json()["limit"] == "in_flight"

    assert gateway.post(f"/v1/generations/{first.json()['id']}/cancel", headers=customer.headers).status_code == 200
    second = order(gateway, customer.headers)
    assert second.status_code == 202
    gateway.post(f"/v1/generations/{second.json()['id']}/cancel", headers=customer.headers)

    assert order(gateway, customer.headers).json()["limit"] == "per_day"


def test_refusal_says_which_limit_and_when_it_frees(gateway: httpx.Client, customer: NewCustomer, limit: Limit) -> None:
    limit(customer, per_day=1)
    order(gateway, customer.headers)
    answer = order(gateway, customer.headers)

    refused = answer.json()
    assert (answer.status_code, refused["code"], refused["limit"], refused["limit_of"]) == (
        429, "quota_reached", "per_day", "customer",
    )  # fmt: skip
    assert (refused["most"], refused["used"], refused["needed"]) == (1, 1, 1)
    assert refused["frees_at"].endswith("T00:00:00Z")
    assert 0 < int(answer.headers["retry-after"]) == refused["retry_after"] <= 86_400


def test_repeated_order_gets_its_generation_at_the_limit(
    gateway: httpx.Client, customer: NewCustomer, limit: Limit
) -> None:
    limit(customer, in_flight=1)
    headers = {**customer.headers, "Idempotency-Key": "one"}
    first = order(gateway, headers)
    again = order(gateway, headers)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert order(gateway, customer.headers).status_code == 429


def test_new_limit_counts_what_is_unfinished(gateway: httpx.Client, customer: NewCustomer, limit: Limit) -> None:
    order(gateway, customer.headers)
    limit(customer, in_flight=1)
    assert order(gateway, customer.headers).status_code == 429
    limit(customer, in_flight=None)
    assert order(gateway, customer.headers).status_code == 202
