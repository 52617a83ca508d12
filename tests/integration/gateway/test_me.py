from collections.abc import Callable

import httpx
import pytest

from schemas.settings import Settings
from storage import customers
from storage.database import Database
from tests.support import NewCustomer, a_generation


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_me_returns_the_customer_of_the_key(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, header: str
) -> None:
    a_generation(database, settings, customer)
    value = f"Bearer {customer.api_key}" if header == "Authorization" else customer.api_key

    answer = gateway.get("/v1/me", headers={header: value})

    assert answer.status_code == 200
    told = answer.json()
    key = told.pop("key")
    assert told == {
        "object": "customer",
        "id": str(customer.id),
        "name": "a test",
        "key_prefix": customer.api_key[:8],
        "credits": {"object": "credits", "available": 90, "held": 10},
        "uploads": {
            "count": 0,
            "size_bytes": 0,
            "max_count": settings.inputs.max_stored_uploads,
            "max_size_bytes": settings.inputs.max_stored_bytes,
            "next_expiry_at": None,
        },
        "limits": None,
    }
    assert (key["prefix"], key["scopes"], key["test"]) == (customer.api_key[:8], ["generate", "read"], False)


def test_me_returns_the_prefix_of_the_key(gateway: httpx.Client, database: Database, customer: NewCustomer) -> None:
    with database.transaction() as session:
        other = customers.create_api_key(session, customer.id)

    mine = gateway.get("/v1/me", headers={"X-API-Key": other}).json()

    assert (mine["id"], mine["key_prefix"]) == (str(customer.id), other[:8])


@pytest.mark.parametrize("key", ["rw_nobodys", "", "Ünicode"])
def test_me_refuses_a_wrong_key(gateway: httpx.Client, make_customer: Callable[[int], NewCustomer], key: str) -> None:
    make_customer(100)

    answer = gateway.get("/v1/me", headers={b"X-API-Key": key.encode()})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="reelworks"'


def test_me_refuses_a_revoked_key(gateway: httpx.Client, database: Database, customer: NewCustomer) -> None:
    with database.transaction() as session:
        customers.revoke_api_keys(session, customer.id, customer.api_key)

    answer = gateway.get("/v1/me", headers=customer.headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "key_revoked")
