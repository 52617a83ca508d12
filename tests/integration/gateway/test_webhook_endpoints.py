"""Endpoints of webhooks over HTTP."""

import base64
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from schemas.enums import Scope
from schemas.webhooks import USUAL_TYPES
from storage.api_keys import Owner
from storage.database import Database
from storage.webhooks import endpoints
from tests.support import NewCustomer

PATH = "/v1/webhooks/endpoints"
URL = "https://shop.example/hooks"

Answer = dict[str, Any]


@pytest.fixture
def client(gateway: httpx.Client, customer: NewCustomer) -> Iterator[httpx.Client]:
    """A client with the customer's key."""
    with httpx.Client(base_url=gateway.base_url, headers=customer.headers) as client:
        yield client


@pytest.fixture
def endpoint(client: httpx.Client) -> Answer:
    """An endpoint of the customer."""
    made: Answer = client.post(PATH, json={"url": URL}).raise_for_status().json()
    return made


def _fields(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422
    return [each["field"] for each in answer.json()["errors"]]


def test_new_endpoint_hears_ends_and_shows_its_secret(client: httpx.Client) -> None:
    answer = client.post(PATH, json={"url": "https://Shop.example", "description": "orders"})

    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == f"{PATH}/{made['id']}"
    assert (made["url"], made["types"], made["description"], made["is_implicit"], made["paused_at"]) == (
        "https://shop.example/", list(USUAL_TYPES), "orders", False, None,
    )  # fmt: skip
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"), validate=True)) == 32
    read = client.get(answer.headers["location"]).json()
    assert read == {name: value for name, value in made.items() if name != "secret"}
    assert client.get(f"{PATH}/{made['id']}/secret").json() == {
        "object": "webhook_secret", "secret": made["secret"], "earlier_secret": None, "earlier_secret_until": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/hooks",
        "https://user:password@shop.example/hooks",
        "https://127.0.0.1/hooks",
        "https://2130706433/hooks",
        "https://[::1]/hooks",
        "https://169.254.169.254/latest",
        "https://localhost:9000/hooks",
        "https://shop.example:25/hooks",
        "https://shop.example/hooks#part",
        "ftp://shop.example/hooks",
        "shop.example",
        "",
    ],
)
def test_url_that_no_message_may_go_to_is_refused(client: httpx.Client, endpoint: Answer, url: str) -> None:
    order = {"model": "nano-banana", "prompt": "a boat", "callback_url": url}

    assert _fields(client.post(PATH, json={"url": url})) == ["url"]
    assert _fields(client.patch(f"{PATH}/{endpoint['id']}", json={"url": url})) == ["url"]
    assert _fields(client.post("/v1/generations", json=order)) == ["callback_url"]
    assert client.get(f"{PATH}/{endpoint['id']}").json()["url"] == URL


def test_unknown_type_is_refused_by_its_place_and_names_the_types(client: httpx.Client) -> None:
    answer = client.post(PATH, json={"url": URL, "types": ["generation.completed", "generation.done"]})

    assert _fields(answer) == ["types.1"]
    assert "generation.done is no type: use generation.accepted, generation.*, *" in answer.json()["detail"]
    assert _fields(client.post(PATH, json={"url": URL, "types": []})) == ["types"]


def test_change_leaves_omitted_fields(client: httpx.Client, endpoint: Answer) -> None:
    path = f"{PATH}/{endpoint['id']}"

    changed = client.patch(path, json={"types": ["*"], "description": "all"}).raise_for_status().json()
    assert (changed["url"], changed["types"], changed["description"]) == (URL, ["*"], "all")
    changed = client.patch(path, json={"description": None}).raise_for_status().json()
    assert (changed["url"], changed["types"], changed["description"]) == (URL, ["*"], None)


def test_rotation_keeps_the_earlier_secret_for_a_time(client: httpx.Client, endpoint: Answer) -> None:
    path = f"{PATH}/{endpoint['id']}"

    rotated = client.post(f"{path}/rotate-secret", json={"ends_in": 60}).raise_for_status().json()
    assert rotated["secret"] != rotated["earlier_secret"] == endpoint["secret"]
    assert client.get(f"{path}/secret").json() == rotated
    assert client.get(path).json()["earlier_secret_until"] == rotated["earlier_secret_until"] is not None
    refused = client.post(f"{path}/rotate-secret")
    assert _fields(refused) == ["ends_in"]
    assert "is valid until" in refused.json()["detail"]
    assert client.get(f"{path}/secret").json() == rotated
    again = client.post(f"{path}/rotate-secret", json={"ends_in": 0}).raise_for_status().json()
    assert (again["earlier_secret"], again["earlier_secret_until"]) == (None, None)
    assert again["secret"] != rotated["secret"]


def test_earlier_secret_is_not_shown_after_its_end(client: httpx.Client, endpoint: Answer, database: Database) -> None:
    client.post(f"{PATH}/{endpoint['id']}/rotate-secret").raise_for_status()
    with database.statement() as sql:
        sql.run("UPDATE webhook_endpoints SET earlier_secret_until = now() - interval '1 second'")

    shown = client.get(f"{PATH}/{endpoint['id']}/secret").json()
    assert (shown["earlier_secret"], shown["earlier_secret_until"]) == (None, None)


def test_paused_endpoint_keeps_its_reason_until_it_is_resumed(
    client: httpx.Client, endpoint: Answer, database: Database
) -> None:
    path = f"{PATH}/{endpoint['id']}"
    with database.statement() as sql:
        sql.run("UPDATE webhook_endpoints SET paused_at = now(), paused_reason = 'failing', failing_since = now()")

    assert client.post(f"{path}/pause").json()["paused_reason"] == "failing"
    resumed = client.post(f"{path}/resume").raise_for_status().json()
    assert (resumed["paused_at"], resumed["paused_reason"], resumed["failing_since"]) == (None, None, None)
    assert client.post(f"{path}/pause").json()["paused_reason"] == "requested"


def test_deleted_endpoint_is_gone_with_its_url_and_secret(
    client: httpx.Client, endpoint: Answer, database: Database
) -> None:
    path = f"{PATH}/{endpoint['id']}"

    assert client.delete(path).status_code == 204
    assert [client.get(path).status_code, client.delete(path).status_code] == [404, 404]
    assert client.get(PATH).json()["data"] == []
    with database.transaction() as session:
        (row,) = session.connection().exec_driver_sql("SELECT url, secret FROM webhook_endpoints").all()
    assert tuple(row) == ("", "")


def test_list_has_pages_and_filters(client: httpx.Client) -> None:
    made = [client.post(PATH, json={"url": f"https://shop.example/{number}"}).json()["id"] for number in range(3)]
    client.post(f"{PATH}/{made[1]}/pause").raise_for_status()
    order = {"model": "nano-banana", "prompt": "a boat", "callback_url": "https://shop.example/order"}
    client.post("/v1/generations", json=order).raise_for_status()

    def found(**query: str | bool | int) -> list[str]:
        page = client.get(PATH, params=query).raise_for_status().json()
        return [each["url"].rpartition("/")[2] for each in page["data"]]

    assert found() == ["order", "2", "1", "0"]
    assert found(is_implicit=True) == ["order"]
    assert found(is_implicit=False) == ["2", "1", "0"]
    assert found(is_paused=True) == ["1"]
    assert found(url="https://shop.example/2") == ["2"]
    first = client.get(PATH, params={"limit": 2}).json()
    assert first["has_more"]
    assert found(limit=2, cursor=first["next_cursor"]) == ["1", "0"]


def test_endpoint_beyond_the_limit_is_refused_until_one_is_deleted(
    client: httpx.Client, endpoint: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST", 1)

    refused = client.post(PATH, json={"url": URL})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_endpoints")
    client.delete(f"{PATH}/{endpoint['id']}").raise_for_status()
    assert client.post(PATH, json={"url": URL}).status_code == 201


def test_secret_needs_the_scope_of_orders(
    gateway: httpx.Client, endpoint: Answer, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    headers = {"X-API-Key": make_key(Owner(customer.id), scopes=[Scope.READ])}

    assert gateway.get(f"{PATH}/{endpoint['id']}", headers=headers).status_code == 200
    assert gateway.get(f"{PATH}/{endpoint['id']}/secret", headers=headers).status_code == 403


def test_endpoints_of_others_and_of_test_keys_are_apart(
    gateway: httpx.Client,
    endpoint: Answer,
    customer: NewCustomer,
    make_customer: Callable[[int], NewCustomer],
    make_key: Callable[..., str],
) -> None:
    test = {"X-API-Key": make_key(Owner(customer.id), is_test=True)}
    for headers in (make_customer(0).headers, test):
        for method, path in (
            ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/secret"), ("POST", "/rotate-secret"),
            ("POST", "/pause"), ("POST", "/resume"), ("POST", "/test"), ("POST", "/redeliver"),
        ):  # fmt: skip
            body = {"json": {"since": "2026-11-29T00:00:00Z"}} if path == "/redeliver" else {}
            body = {"json": {}} if method == "PATCH" else body
            answer = gateway.request(method, f"{PATH}/{endpoint['id']}{path}", headers=headers, **body)  # type: ignore[arg-type]
            assert (method, path, answer.status_code) == (method, path, 404)
        assert gateway.get(PATH, headers=headers).json()["data"] == []
    made = gateway.post(PATH, headers=test, json={"url": URL}).json()
    assert gateway.get(f"{PATH}/{made['id']}", headers=test).status_code == 200
    assert gateway.get(f"{PATH}/{made['id']}", headers=customer.headers).status_code == 404


def test_event_types_are_listed_with_the_usual_ones(client: httpx.Client) -> None:
    catalogue = client.get("/v1/webhooks/event-types").raise_for_status().json()

    assert catalogue["version"] == 1
    assert [each["type"] for each in catalogue["data"] if each["is_usual"]] == list(USUAL_TYPES)
    assert "endpoint.paused" in [each["type"] for each in catalogue["data"]]


def test_unknown_endpoint_is_not_found(client: httpx.Client) -> None:
    assert client.get(f"{PATH}/{uuid4()}").json()["code"] == "not_found"
    assert client.get(f"{PATH}/{UUID(int=0)}/secret").status_code == 404
