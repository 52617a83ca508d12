"""Limits of customers and of API keys over HTTP: exact with parallel orders, and in the words of a refusal."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api_gateway import create_app
from schemas.quotas import OnLimit
from schemas.settings import Settings
from storage import admission_control, ledger, quota_settings
from storage.admission_control import Reason
from storage.api_keys import Owner
from storage.database import Database
from storage.quota_settings import LimitChanges
from storage.sql import of
from tests.integration.gateway.serving import serving
from tests.integration.gateway.test_keys import ALL, headers
from tests.support import NewCustomer, operator_key

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
            wanted = LimitChanges(**changes)  # type: ignore[typeddict-item]
            quota_settings.change(of(session), customer.id, wanted, Reason("a test"))

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

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: order(gateway, customer.headers), range(200)))

    assert codes(answers) == (50, 150)
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == ledger.Balance(available=9800, held=200)


@pytest.mark.parametrize("limits", [{"in_flight": 50}, {"per_day": 50}])
def test_parallel_orders_never_exceed_a_limit_of_the_key(
    gateway: httpx.Client, make_customer: Callable[[int], NewCustomer], make_key: Callable[..., str],
    limits: dict[str, int],
) -> None:  # fmt: skip
    customer = make_customer(10_000)
    key = make_key(Owner(customer.id), **limits)

    with ThreadPoolExecutor(8) as threads:
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


def test_customer_sees_the_limits_and_what_is_used(
    gateway: httpx.Client, customer: NewCustomer, limit: Limit, make_key: Callable[..., str]
) -> None:
    assert gateway.get("/v1/me", headers=customer.headers).json()["limits"] is None
    limit(customer, in_flight=5, credits_per_day=100)
    key = {"X-API-Key": make_key(Owner(customer.id), per_day=3)}
    order(gateway, key)

    mine = gateway.get("/v1/me", headers=key).json()
    assert mine["limits"].pop("resets_at").endswith("T00:00:00Z")
    assert mine["limits"] == {
        "in_flight": 5, "per_day": None, "credits_per_day": 100, "on_limit": "reject",
        "used": {"in_flight": 1, "today": 1, "credits_today": PRICE},
    }  # fmt: skip
    assert (mine["key"]["per_day"], mine["key"]["used"]["today"]) == (3, 1)


def test_operator_changes_limits_and_each_change_is_in_the_history(
    gateway: httpx.Client, customer: NewCustomer, database: Database
) -> None:
    operator = headers(operator_key(database))
    path = f"/v1/admin/customers/{customer.id}"
    assert gateway.get(path, headers=operator).json()["limits"] is None

    wanted = {"limits": {"in_flight": 1, "weight": 2.5}, "test_limits": {"per_day": 0}}
    changed = gateway.patch(path, json=wanted, headers=operator).json()
    assert (changed["limits"]["in_flight"], changed["limits"]["weight"]) == (1, 2.5)
    assert changed["test_limits"]["per_day"] == 0
    assert gateway.get("/v1/admin/customers", headers=operator).json()["data"][0]["limits"] == changed["limits"]
    assert [order(gateway, customer.headers).status_code for _ in range(2)] == [202, 429]

    freed = gateway.patch(path, json={"limits": {"in_flight": None}}, headers=operator).json()["limits"]
    assert (freed["in_flight"], freed["weight"]) == (None, 2.5)
    assert order(gateway, customer.headers).status_code == 202
    with database.transaction() as session:
        made = [one for one in admission_control.changes(session, None, limit=9).rows if one.name == str(customer.id)]
        found = [((one.before or {}).get("in_flight"), (one.after or {}).get("in_flight")) for one in made]
    assert found == [(1, None), (None, 1)]


def test_service_limits_its_customers_and_sets_no_weight(
    gateway: httpx.Client, service: Owner, make_key: Callable[..., str]
) -> None:
    key = headers(make_key(service, scopes=ALL, makes_customers=True))
    path = "/v1/admin/customers/123"
    gateway.post("/v1/admin/customers", json={"name": "a", "customer_id": "123"}, headers=key)
    assert gateway.patch(path, json={"limits": {"per_day": 5}}, headers=key).json()["limits"]["per_day"] == 5
    refused = gateway.patch(path, json={"limits": {"weight": 9}}, headers=key)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "limits.weight")
    wrong = gateway.patch(path, json={"limits": {"on_limit": "queue", "per_day": -1}}, headers=key)
    assert [each["field"] for each in wrong.json()["errors"]] == ["limits.per_day", "limits.on_limit"]


def test_key_gives_no_more_than_its_own_limits(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    maker = headers(make_key(Owner(customer.id), scopes=ALL, in_flight=1))
    refused = gateway.post("/v1/keys", json={"in_flight": 2}, headers=maker)
    assert [each["field"] for each in refused.json()["errors"]] == ["in_flight"]
    made = gateway.post("/v1/keys", json={"in_flight": 1, "per_day": 7}, headers=maker).json()
    assert (made["in_flight"], made["per_day"], made["on_limit"]) == (1, 7, "reject")

    assert order(gateway, maker).status_code == 202
    assert order(gateway, headers(made["key"])).json()["limit_of"] == "key"
    path = f"/v1/keys/{made['id']}"
    assert gateway.patch(path, json={"per_day": None}, headers=maker).json()["per_day"] is None


def test_limit_set_on_a_key_counts_its_unfinished_generations(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    admin, key = headers(make_key(Owner(customer.id), scopes=ALL)), headers(make_key(Owner(customer.id)))
    order(gateway, key)
    mine = gateway.get("/v1/me", headers=key).json()["key"]
    gateway.patch(f"/v1/keys/{mine['id']}", json={"in_flight": 1}, headers=admin)
    assert order(gateway, key).status_code == 429


def test_order_over_a_limit_that_waits_is_accepted(gateway: httpx.Client, customer: NewCustomer, limit: Limit) -> None:
    limit(customer, in_flight=1, per_day=1, on_limit=OnLimit.WAIT)
    assert [order(gateway, customer.headers).status_code for _ in range(3)] == [202] * 3
    assert batch(gateway, customer.headers, 3).status_code == 202


@pytest.mark.parametrize(
    ("limits", "limit_name", "is_repeated"),
    [({"in_flight": 0}, "in_flight", "true"), ({"per_day": 0}, "per_day", "false")],
)
def test_openais_clients_repeat_an_order_only_if_a_place_may_be_free_soon(
    gateway: httpx.Client, customer: NewCustomer, limit: Limit, limits: dict[str, int], limit_name: str,
    is_repeated: str,
) -> None:  # fmt: skip
    limit(customer, **limits)
    for path, body in (("videos", {"prompt": "a boat"}), ("images/generations", {"prompt": "a boat"})):
        answer = gateway.post(f"/openai/v1/{path}", json=body, headers=customer.headers)
        error = answer.json()["error"]
        assert (answer.status_code, error["type"], error["code"]) == (429, "rate_limit_error", "quota_reached")
        assert (error["limit"], answer.headers["x-should-retry"]) == (limit_name, is_repeated)
        assert int(answer.headers["retry-after"]) == error["retry_after"]


@pytest.mark.parametrize("path", ["/video/generate", "/image/generate", "/api/video/generate"])
def test_doors_of_the_seeds_refuse_in_their_own_form(
    gateway: httpx.Client, customer: NewCustomer, limit: Limit, path: str
) -> None:
    limit(customer, in_flight=0)
    answer = gateway.post(path, json={"prompt": "a boat on a lake in the morning"}, headers=customer.headers)
    body = answer.json()
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (429, True)
    assert "quota_reached" in {body.get("code"), *([body["error"]["code"]] if isinstance(body["error"], dict) else [])}
