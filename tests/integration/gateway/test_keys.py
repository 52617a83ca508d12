"""API keys over HTTP: scopes, ends, caps, rotation, services, and test keys."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from api_gateway import create_app
from schemas.enums import Scope
from schemas.setting_groups import TestKeySettings
from schemas.settings import Settings
from storage import customers, ledger
from storage.api_keys import Owner
from storage.database import Database
from storage.sql import of
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer, operator_key

ORDER = {"model": "nano-banana", "prompt": "a lighthouse"}
PRICE = 4
ALL = (Scope.GENERATE, Scope.READ, Scope.ADMIN)


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A gateway whose sandbox is away."""
    test_keys = TestKeySettings(sandbox_url="http://127.0.0.1:1", api_key=SecretStr("sandbox"))
    with serving(create_app(settings.model_copy(update={"test_keys": test_keys}))) as client:
        yield client


def headers(key: str, customer: str | None = None) -> dict[str, str]:
    named = {} if customer is None else {"X-Customer-ID": customer}
    return {"X-API-Key": key, **named}


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def spent(gateway: httpx.Client, key: str) -> object:
    return gateway.get("/v1/me", headers=headers(key)).json()["key"]["spent_today"]


def test_parallel_orders_never_exceed_the_cap_of_a_key(
    gateway: httpx.Client, make_customer: Callable[[int], NewCustomer], make_key: Callable[..., str], database: Database
) -> None:
    customer = make_customer(10_000)
    key = make_key(Owner(customer.id), daily_cap=50 * PRICE)

    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: gateway.post("/v1/generations", json=ORDER, headers=headers(key)), range(200))
        )

    codes = [answer.status_code for answer in answers]
    assert (codes.count(202), codes.count(402)) == (50, 150)
    refused = next(answer for answer in answers if answer.status_code == 402).json()
    assert refused["code"] == "daily_cap_reached"
    assert (refused["daily_cap"], refused["spent_today"], refused["credits_needed"]) == (200, 200, PRICE)
    assert spent(gateway, key) == 200
    with database.transaction() as session:
        assert ledger.balance(session, customer.id) == ledger.Balance(available=9800, held=200)


def test_released_hold_gives_back_to_the_cap_and_a_paid_one_does_not(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str], database: Database
) -> None:
    key = make_key(Owner(customer.id), daily_cap=2 * PRICE)
    first, second = (gateway.post("/v1/generations", json=ORDER, headers=headers(key)).json() for _ in range(2))
    assert problem(gateway.post("/v1/generations", json=ORDER, headers=headers(key))) == (402, "daily_cap_reached")

    assert gateway.post(f"/v1/generations/{first['id']}/cancel", headers=headers(key)).status_code == 200
    assert spent(gateway, key) == PRICE
    with database.transaction() as session:
        ledger.capture(of(session), customer.id, second["id"])

    assert spent(gateway, key) == PRICE
    assert gateway.post("/v1/generations", json=ORDER, headers=headers(key)).status_code == 202


def test_cap_is_for_one_day_and_an_old_release_gives_nothing_back_today(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str], database: Database
) -> None:
    key = make_key(Owner(customer.id), daily_cap=PRICE)
    yesterdays = gateway.post("/v1/generations", json=ORDER, headers=headers(key)).json()
    with database.transaction() as session:
        session.execute(text("UPDATE key_spending SET day = day - 1"))
        session.execute(
            text("UPDATE ledger_transfers SET created_at = created_at - interval '1 day' WHERE kind = 'hold'")
        )

    assert gateway.post("/v1/generations", json=ORDER, headers=headers(key)).status_code == 202
    gateway.post(f"/v1/generations/{yesterdays['id']}/cancel", headers=headers(key))

    assert problem(gateway.post("/v1/generations", json=ORDER, headers=headers(key))) == (402, "daily_cap_reached")


def test_order_that_the_customer_cannot_pay_does_not_count(
    gateway: httpx.Client, make_customer: Callable[[int], NewCustomer], make_key: Callable[..., str]
) -> None:
    key = make_key(Owner(make_customer(0).id), daily_cap=100)

    assert problem(gateway.post("/v1/generations", json=ORDER, headers=headers(key))) == (402, "insufficient_credits")
    assert spent(gateway, key) == 0


def test_rotated_key_works_beside_the_first_and_shares_its_cap(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str], database: Database
) -> None:
    first = make_key(Owner(customer.id), scopes=ALL, daily_cap=2 * PRICE)
    mine = gateway.get("/v1/me", headers=headers(first)).json()["key"]
    rotated = gateway.post(f"/v1/keys/{mine['id']}/rotate", json={"ends_in": 3600}, headers=headers(first))

    assert rotated.status_code == 201
    second = rotated.json()["key"]
    both = [gateway.post("/v1/generations", json=ORDER, headers=headers(key)).status_code for key in (first, second)]
    assert both == [202, 202]
    assert problem(gateway.post("/v1/generations", json=ORDER, headers=headers(second))) == (402, "daily_cap_reached")
    assert problem(gateway.post(f"/v1/keys/{mine['id']}/rotate", headers=headers(second))) == (422, "invalid_request")

    with database.transaction() as session:
        session.execute(text("UPDATE api_keys SET expires_at = now() WHERE replaced_by IS NOT NULL"))
    assert problem(gateway.get("/v1/me", headers=headers(first))) == (401, "key_expired")
    assert gateway.get("/v1/me", headers=headers(second)).status_code == 200


def test_key_makes_no_key_that_allows_more(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    maker = headers(
        make_key(Owner(customer.id), scopes=(Scope.READ, Scope.ADMIN), daily_cap=10, expires_in=timedelta(hours=1))
    )
    stronger = make_key(Owner(customer.id), scopes=ALL)

    def fields(**wanted: object) -> list[str]:
        answer = gateway.post("/v1/keys", json=wanted, headers=maker)
        return [] if answer.status_code == 201 else [error["field"] for error in answer.json()["errors"]]

    assert fields() == ["scopes", "expires_in", "daily_cap"]
    assert fields(scopes=["read"], expires_in=60, daily_cap=11) == ["daily_cap"]
    assert fields(scopes=["credits:grant"], expires_in=60, daily_cap=1) == ["scopes"]
    assert fields(scopes=["read"], makes_customers=True, expires_in=60, daily_cap=1) == ["makes_customers"]
    assert fields(scopes=["read"], expires_in=60, daily_cap=10) == []
    theirs = gateway.get("/v1/me", headers=headers(stronger)).json()["key"]["id"]
    assert problem(gateway.post(f"/v1/keys/{theirs}/rotate", headers=maker)) == (422, "invalid_request")


def test_key_of_a_capped_key_shares_the_cap(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    maker = make_key(Owner(customer.id), scopes=ALL, daily_cap=PRICE)
    made = gateway.post("/v1/keys", json={"daily_cap": PRICE}, headers=headers(maker)).json()["key"]

    assert gateway.post("/v1/generations", json=ORDER, headers=headers(made)).status_code == 202
    assert problem(gateway.post("/v1/generations", json=ORDER, headers=headers(maker))) == (402, "daily_cap_reached")


def test_material_of_a_key_is_shown_once(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str], database: Database
) -> None:
    admin = headers(make_key(Owner(customer.id), scopes=ALL))
    made = gateway.post("/v1/keys", json={"name": "shop"}, headers=admin)
    key = made.json()["key"]

    assert gateway.get(made.headers["location"], headers=admin).json()["prefix"] == key[:8]
    listed = gateway.get("/v1/keys", headers=admin)
    assert key not in listed.text
    assert listed.json()["data"][0]["name"] == "shop"
    with database.transaction() as session:
        stored = session.execute(text("SELECT api_keys::text FROM api_keys")).scalars()
        assert not any(key in row for row in stored)
    assert gateway.delete(made.headers["location"], headers=admin).status_code == 204
    assert problem(gateway.get("/v1/me", headers=headers(key))) == (401, "key_revoked")


def test_last_use_is_written_down_and_not_on_the_path_of_a_request(
    settings: Settings, customer: NewCustomer, database: Database
) -> None:
    with serving(create_app(settings)) as client:
        client.get("/v1/me", headers=customer.headers)
        with database.transaction() as session:
            assert session.execute(text("SELECT last_used_at FROM api_keys")).scalar_one() is None
    with database.transaction() as session:
        assert session.execute(text("SELECT last_used_at FROM api_keys")).scalar_one() is not None


def test_service_names_its_customers_by_its_own_numbers(
    gateway: httpx.Client, service: Owner, make_key: Callable[..., str], database: Database
) -> None:
    key = make_key(service, scopes=tuple(Scope), makes_customers=True)
    assert problem(gateway.get("/v1/credits", headers=headers(key, "123"))) == (404, "not_found")
    grant = {"amount": 100, "reference": "invoice-1"}
    for _ in range(2):
        granted = gateway.post("/v1/credits/grants", json=grant, headers=headers(key, "123"))
        assert (granted.status_code, granted.json()["credits"]["available"]) == (201, 100)
    more = gateway.post("/v1/credits/grants", json={**grant, "amount": 5}, headers=headers(key, "123"))
    assert problem(more) == (422, "invalid_request")

    by_header = gateway.post("/v1/generations", json=ORDER, headers=headers(key, "123"))
    by_body = gateway.post("/v1/generations", json={**ORDER, "customer_id": "123"}, headers=headers(key))
    assert [by_header.status_code, by_body.status_code] == [202, 202]
    both = gateway.post("/v1/generations", json={**ORDER, "customer_id": "124"}, headers=headers(key, "123"))
    assert problem(both) == (422, "invalid_request")
    none = gateway.post("/v1/generations", json=ORDER, headers=headers(key))
    assert [error["field"] for error in none.json()["errors"]] == ["X-Customer-ID"]
    assert gateway.get("/v1/credits", headers=headers(key, "123")).json()["held"] == 2 * PRICE
    path = by_header.headers["location"]
    assert gateway.get(path, headers=headers(key, "123")).status_code == 200
    gateway.post("/v1/credits/grants", json=grant, headers=headers(key, "other"))
    assert problem(gateway.get(path, headers=headers(key, "other"))) == (404, "not_found")


def test_same_order_by_header_and_by_body_is_one_generation(
    gateway: httpx.Client, service: Owner, make_key: Callable[..., str]
) -> None:
    key = make_key(service, scopes=tuple(Scope), makes_customers=True)
    grant = {"amount": 100, "reference": "1", "customer_id": "Ünal & Söhne"}
    assert gateway.post("/v1/credits/grants", json=grant, headers=headers(key)).status_code == 201
    by_header = {b"X-API-Key": key.encode(), b"X-Customer-ID": "Ünal & Söhne".encode(), b"Idempotency-Key": b"1"}
    by_body = headers(key) | {"Idempotency-Key": "1"}

    first = gateway.post("/v1/generations", json=ORDER, headers=by_header)
    again = gateway.post("/v1/generations", json={**ORDER, "customer_id": "Ünal & Söhne"}, headers=by_body)

    assert first.json()["id"] == again.json()["id"]


def test_two_services_have_customers_of_the_same_number(
    gateway: httpx.Client, service: Owner, make_key: Callable[..., str], database: Database
) -> None:
    with database.transaction() as session:
        other = Owner(service_id=customers.create_service(session, "mobile app").id)
    keys = [make_key(owner, scopes=tuple(Scope), makes_customers=True) for owner in (service, other)]
    for amount, key in enumerate(keys, 1):
        gateway.post("/v1/credits/grants", json={"amount": amount, "reference": "1"}, headers=headers(key, "123"))

    ids = [gateway.get("/v1/me", headers=headers(key, "123")).json()["id"] for key in keys]
    assert len(set(ids)) == 2
    seen = [gateway.get("/v1/admin/customers", headers=headers(key)).json()["data"] for key in keys]
    assert [[one["id"] for one in listed] for listed in seen] == [[one] for one in ids]
    answer = gateway.get("/v1/credits", headers=headers(keys[0], ids[1]))
    assert problem(answer) == (404, "not_found")


def test_service_without_leave_makes_no_customer(
    gateway: httpx.Client, service: Owner, make_key: Callable[..., str]
) -> None:
    key = make_key(service)

    assert problem(gateway.post("/v1/generations", json=ORDER, headers=headers(key, "123"))) == (404, "not_found")


@pytest.mark.parametrize("named", ["", "x" * 201])
def test_name_that_is_none_is_refused(
    gateway: httpx.Client, service: Owner, make_key: Callable[..., str], named: str
) -> None:
    answer = gateway.get("/v1/credits", headers=headers(make_key(service), named))
    stranger = gateway.get("/v1/credits", headers=headers("rw_wrong", named))

    assert problem(stranger) == (401, "unauthenticated")
    assert [error["field"] for error in answer.json()["errors"]] == ["X-Customer-ID"]


def test_customers_key_names_no_other_customer(
    gateway: httpx.Client, customer: NewCustomer, make_customer: Callable[[int], NewCustomer]
) -> None:
    other = make_customer(10)

    assert gateway.get("/v1/credits", headers=customer.headers | {"X-Customer-ID": str(customer.id)}).status_code == 200
    for named in (str(other.id), "123"):
        answer = gateway.get("/v1/credits", headers=customer.headers | {"X-Customer-ID": named})
        assert problem(answer) == (403, "other_customer")
        answer = gateway.post("/v1/generations", json={**ORDER, "customer_id": named}, headers=customer.headers)
        assert problem(answer) == (403, "other_customer")


def test_operator_makes_services_customers_and_keys_over_http(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    operator = headers(operator_key(database))
    service = gateway.post("/v1/admin/services", json={"name": "shop"}, headers=operator).json()
    key = gateway.post(
        f"/v1/admin/services/{service['id']}/keys", json={"scopes": ["read", "admin"]}, headers=operator
    ).json()["key"]
    made = gateway.post("/v1/admin/customers", json={"name": "acme", "customer_id": "7"}, headers=headers(key))
    assert (made.status_code, made.json()["customer_id"]) == (201, "7")
    assert gateway.get("/v1/admin/customers/7", headers=headers(key)).json()["name"] == "acme"
    assert problem(gateway.get(f"/v1/admin/customers/{customer.id}", headers=headers(key))) == (404, "not_found")

    assert {one["id"] for one in gateway.get("/v1/admin/customers", headers=operator).json()["data"]} == {
        str(customer.id),
        made.json()["id"],
    }
    assert problem(gateway.get("/v1/admin/services", headers=headers(key))) == (403, "not_for_this_key")
    named = operator | {"X-Customer-ID": str(customer.id)}
    theirs = gateway.post("/v1/keys", json={"scopes": ["read"]}, headers=named).json()["key"]
    assert gateway.get("/v1/me", headers=headers(theirs)).json()["id"] == str(customer.id)


def test_test_key_acts_for_a_test_customer_with_credits_and_costs_nothing(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str], database: Database
) -> None:
    key = make_key(Owner(customer.id), is_test=True)
    assert key.startswith("rw_test_")

    mine = gateway.get("/v1/me", headers=headers(key)).json()
    assert mine["id"] != str(customer.id)
    assert mine["key"]["test"]
    assert mine["credits"]["available"] == customers.TEST_CREDITS
    ordered = gateway.post("/v1/generations", json=ORDER, headers=headers(key))
    assert ordered.status_code == 202
    path = ordered.headers["location"]
    assert problem(gateway.get(path, headers=customer.headers)) == (404, "not_found")
    live = gateway.post("/v1/generations", json=ORDER, headers=customer.headers).headers["location"]
    assert problem(gateway.get(live, headers=headers(key))) == (404, "not_found")
    with database.transaction() as session:
        rows = session.execute(
            text("SELECT test_of IS NOT NULL, provider FROM generations JOIN customers ON customers.id = customer_id")
        )
        assert sorted(map(tuple, rows)) == [(False, "kie"), (True, "test_kie")]
        books = session.execute(
            text(
                "SELECT DISTINCT kind FROM ledger_accounts WHERE customer_id IS NULL AND id IN "
                "(SELECT from_account_id FROM ledger_transfers WHERE customer_id = :id)"
            ),
            {"id": mine["id"]},
        ).scalars()
        assert list(books) == ["test_equity"]
        ledger.capture(of(session), mine["id"], ordered.json()["id"])
        paid = session.execute(
            text(
                "SELECT a.kind FROM ledger_transfers t JOIN ledger_accounts a ON a.id = to_account_id "
                "WHERE t.kind = 'capture'"
            )
        ).scalars()
        assert list(paid) == ["test_revenue"]


def test_test_key_sees_and_makes_only_test_keys(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    live, test = (make_key(Owner(customer.id), scopes=ALL, is_test=is_test) for is_test in (False, True))

    assert len(gateway.get("/v1/keys", headers=headers(live)).json()["data"]) == 3
    assert [one["test"] for one in gateway.get("/v1/keys", headers=headers(test)).json()["data"]] == [True]
    assert problem(gateway.post("/v1/keys", json={"test": False}, headers=headers(test))) == (422, "invalid_request")
    assert gateway.post("/v1/keys", json={}, headers=headers(test)).json()["test"]


def test_services_test_key_acts_for_the_test_customer_of_its_number(
    gateway: httpx.Client, service: Owner, make_key: Callable[..., str]
) -> None:
    live, test = (make_key(service, scopes=tuple(Scope), makes_customers=True, is_test=one) for one in (False, True))
    first = gateway.post("/v1/generations", json=ORDER, headers=headers(test, "123"))
    assert first.status_code == 202

    assert gateway.get("/v1/credits", headers=headers(live, "123")).json()["available"] == 0
    assert problem(gateway.get(first.headers["location"], headers=headers(live, "123"))) == (404, "not_found")
    assert problem(gateway.post("/v1/generations", json=ORDER, headers=headers(live, "123"))) == (
        402,
        "insufficient_credits",
    )


def test_test_order_without_a_sandbox_is_refused_in_words(
    settings: Settings, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    key = make_key(Owner(customer.id), is_test=True)
    with serving(create_app(settings)) as client:
        answer = client.post("/v1/generations", json=ORDER, headers=headers(key))

    assert problem(answer) == (503, "no_sandbox")


def test_models_of_a_test_key_are_all_models(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    key = make_key(Owner(customer.id), is_test=True)
    live, test = (gateway.get("/v1/models", headers=one).json()["data"] for one in (customer.headers, headers(key)))

    assert {model["id"] for model in live} < {model["id"] for model in test}
    assert gateway.get("/v1/models/seedance-2.5", headers=headers(key)).status_code == 200


def test_capped_key_gets_no_second_cap_by_the_rotation_of_another_key(
    gateway: httpx.Client, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    maker = make_key(Owner(customer.id), scopes=ALL, daily_cap=PRICE)
    other = gateway.get("/v1/me", headers=headers(make_key(Owner(customer.id), scopes=ALL, daily_cap=PRICE))).json()[
        "key"
    ]

    assert problem(gateway.post(f"/v1/keys/{other['id']}/rotate", headers=headers(maker))) == (422, "invalid_request")
