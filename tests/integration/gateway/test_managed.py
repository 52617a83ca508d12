"""The lists of keys, customers and services, and the customers of a service by their texts."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from schemas.enums import Scope
from schemas.orders import Route
from schemas.settings import Settings
from storage import customers
from storage.api_keys import Owner
from storage.database import Database
from tests.integration.gateway.test_keys import ALL, ORDER, PRICE, headers, problem
from tests.support import NewCustomer, a_generation, an_order, operator_key


def test_list_has_pages_and_the_spending_of_each_cap(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    maker = make_key(Owner(customer.id), scopes=ALL, daily_cap=2 * PRICE)
    shared = gateway.post("/v1/keys", json={"daily_cap": PRICE}, headers=headers(maker)).json()
    apart = make_key(Owner(customer.id), daily_cap=PRICE)
    for key in (maker, apart):
        assert gateway.post("/v1/generations", json=ORDER, headers=headers(key)).status_code == 202

    found, query = [], {"limit": "1"}
    while query:
        page = gateway.get("/v1/keys", params=query, headers=headers(maker)).json()
        found += page["data"]
        query = {"limit": "1", "cursor": page["next_cursor"]} if page["has_more"] else {}

    assert [(one["prefix"], one["spent_today"]) for one in found] == [
        (apart[:8], PRICE),
        (shared["prefix"], PRICE),
        (maker[:8], PRICE),
        (customer.api_key[:8], None),
    ]


def test_lists_of_customers_and_services_have_pages(
    gateway: httpx.Client, database: Database, make_customer: Callable[[int], NewCustomer]
) -> None:
    operator = headers(operator_key(database))
    made = [str(make_customer(amount).id) for amount in range(3)]
    services = [gateway.post("/v1/admin/services", json={"name": name}, headers=operator).json() for name in "abc"]

    for path, ids in (("customers", made), ("services", [one["id"] for one in services])):
        first = gateway.get(f"/v1/admin/{path}", params={"limit": 2}, headers=operator).json()
        rest = {"limit": 2, "cursor": first["next_cursor"]}
        second = gateway.get(f"/v1/admin/{path}", params=rest, headers=operator).json()
        assert [one["id"] for one in first["data"] + second["data"]] == ids[::-1]
        assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)
        assert problem(gateway.get(f"/v1/admin/{path}", params={"cursor": "x"}, headers=operator)) == (
            422,
            "invalid_request",
        )


def test_customers_are_found_by_name_number_and_generation(
    gateway: httpx.Client,
    customer: NewCustomer,
    service: Owner,
    make_key: Callable[..., str],
    database: Database,
    settings: Settings,
) -> None:
    operator, of_service = headers(operator_key(database)), headers(make_key(service, scopes=tuple(Scope)))
    body = {"name": "100% Sons", "customer_id": "k/17"}
    made = gateway.post("/v1/admin/customers", json=body, headers=of_service).json()
    with database.transaction() as session:
        twin = replace(customer, id=customers.ensure_test_customer(session, customer.id))
    of_test_key = an_order().model_copy(update={"routes": [Route(provider="test_kie", model="google/nano-banana")]})
    orders = [str(a_generation(database, settings, customer)), str(a_generation(database, settings, twin, of_test_key))]

    def found(text: str, key: dict[str, str]) -> list[str]:
        answer = gateway.get("/v1/admin/customers", params={"q": text}, headers=key).raise_for_status()
        return [one["id"] for one in answer.json()["data"]]

    for text in ("SONS", "100%", "k/17", made["id"]):
        assert found(text, operator) == found(text, of_service) == [made["id"]]
    for text in ("k/1", "1_0%", str(uuid4())):
        assert found(text, operator) == []
    for text in (str(customer.id), *orders):
        assert found(text, operator) == [str(customer.id)]
        assert found(text, of_service) == []


@pytest.mark.parametrize("reference", ["a/b", "a/b/", "/a", "1/keys", "services", "a%2Fb", "Ünal & Söhne?#"])
def test_customer_is_found_by_each_text_of_a_service(
    gateway: httpx.Client, service: Owner, make_key: Callable[..., str], reference: str
) -> None:
    key = headers(make_key(service, scopes=tuple(Scope)))
    body = {"name": "acme", "customer_id": reference}
    made = gateway.post("/v1/admin/customers", json=body, headers=key)
    assert made.status_code == 201
    plain, escaped = (f"/v1/admin/customers/{quote(reference, safe=safe)}" for safe in ("/", ""))

    for path in (plain, escaped):
        assert gateway.get(path, headers=key).json() == made.json()
        refused = gateway.post(path, headers=key)
        assert (refused.status_code, refused.headers["allow"]) == (405, "DELETE, GET, HEAD, PATCH")
    assert gateway.delete(escaped, headers=key).status_code == 204
    assert problem(gateway.get(plain, headers=key)) == (404, "not_found")
    assert gateway.post("/v1/admin/customers", json=body, headers=key).status_code == 201
    assert gateway.delete(plain, headers=key).status_code == 204
