"""`GET /v1/generations` as a customer uses it. `tests/integration/storage/test_finding.py` tests what it finds."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from schemas.enums import ErrorCode, Scope
from schemas.settings import Settings
from schemas.tables import Generation
from storage import customers
from storage.api_keys import OPERATOR, Owner, Terms
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete, fail
from tests.support import NewCustomer, a_generation, new_customer

PATH = "/v1/generations"


@pytest.fixture
def listed(gateway: httpx.Client, customer: NewCustomer) -> Callable[..., Any]:
    """Reads one page."""

    def read(**parameters: Any) -> Any:
        answer = gateway.get(PATH, params=parameters, headers=customer.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return read


def order(gateway: httpx.Client, customer: NewCustomer, **fields: object) -> str:
    """Order an image."""
    request = {"model": "nano-banana", "prompt": "a lighthouse in fog"} | fields
    answer = gateway.post(PATH, json=request, headers=customer.headers)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def ids(page: Any) -> list[str]:
    return [one["id"] for one in page["data"]]


def test_pages_lead_from_the_newest_generation_to_the_oldest(
    gateway: httpx.Client, customer: NewCustomer, listed: Callable[..., Any]
) -> None:
    made = [order(gateway, customer) for _ in range(3)]

    first = listed(limit=2)
    second = listed(limit=2, cursor=first["next_cursor"])

    assert (first["object"], ids(first), first["has_more"]) == ("list", [made[2], made[1]], True)
    assert (ids(second), second["has_more"], second["next_cursor"]) == ([made[0]], False, None)
    assert first["data"][0] == gateway.get(f"{PATH}/{made[2]}", headers=customer.headers).json()


def test_filters_find_by_status_kind_model_metadata_and_words(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    listed: Callable[..., Any],
) -> None:
    done, failed = (a_generation(database, settings, customer) for _ in range(2))
    complete(database, settings, objects, done, b"a picture")
    fail(database, settings, failed, ErrorCode.TIMEOUT, "not finished before its deadline")
    boat = order(gateway, customer, prompt="Two paper BOATS, drifting", metadata={"shop order": "7: red"})

    assert ids(listed(status="completed")) == [str(done)]
    assert ids(listed(status=["failed", "completed"])) == [str(failed), str(done)]
    assert ids(listed(stage="queued")) == [boat]
    assert ids(listed(status="processing")) == ids(listed(status="queued", stage="failed")) == []
    assert ids(listed(kind="image")) == ids(listed(model="google/nano-banana")) == [boat, str(failed), str(done)]
    assert ids(listed(kind="video")) == ids(listed(model="a model of old times")) == []
    assert ids(listed(metadata_key="shop order", metadata_value="7: red")) == [boat]
    assert ids(listed(q="the drifting boat")) == ids(listed(q="boats", status="queued")) == [boat]
    assert ids(listed(q="boat lighthouse")) == []
    created_at = listed(q="boat")["data"][0]["created_at"]
    assert ids(listed(created_from=created_at)) == [boat]
    assert ids(listed(created_before=created_at)) == [str(failed), str(done)]


def test_admin_finds_generations_by_provider(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    made, _, moved = (
        a_generation(database, settings, payer) for payer in (customer, new_customer(database, 100), customer)
    )
    with database.transaction() as session:
        session.get_one(Generation, moved).provider = "fal"
        admins = [
            customers.create_key_of(session, owner, Terms(scopes=tuple(scopes))).material
            for owner, scopes in ((OPERATOR, Scope), (Owner(customer.id), (Scope.READ, Scope.ADMIN)))
        ]
    for key in admins:
        headers = {"X-API-Key": key, "X-Customer-ID": str(customer.id)}

        def found(provider: str, headers: dict[str, str] = headers) -> Any:
            return gateway.get(PATH, params={"provider": provider}, headers=headers).json()

        assert ids(found("kie")) == [str(made)]
        assert found("keye")["errors"][0]["field"] == "provider"
        assert "kie" in found("keye")["detail"]
    refused = gateway.get(PATH, params={"provider": "kie"}, headers=customer.headers)
    assert refused.status_code == 422
    assert "is a filter for keys with the scope `admin`" in refused.json()["detail"]


def test_list_of_another_customer_is_empty_even_with_its_cursor(
    gateway: httpx.Client,
    customer: NewCustomer,
    listed: Callable[..., Any],
    make_customer: Callable[[int], NewCustomer],
) -> None:
    for _ in range(2):
        order(gateway, customer)
    cursor = listed(limit=1)["next_cursor"]
    other = make_customer(100).headers

    answers = [gateway.get(PATH, params=params, headers=other) for params in ({}, {"cursor": cursor}, {"q": "fog"})]

    assert [answer.json()["data"] for answer in answers] == [[], [], []]


@pytest.mark.parametrize(
    ("parameters", "field", "words"),
    [
        ({"limit": 0}, "limit", "must be at least 1"),
        ({"limit": 101}, "limit", "must be at most 100"),
        ({"cursor": "garbage"}, "cursor", "is no cursor of a list: send `next_cursor` of the page before unchanged"),
        ({"cursor": "é" * 4}, "cursor", "is no cursor of a list"),
        ({"cursor": "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OS5hYQ"}, "cursor", "is no cursor of a list"),
        ({"status": "done"}, "status.0", 'must be "queued", "processing", "completed", "failed" or "cancelled"'),
        ({"stage": "completed", "kind": "sound"}, "kind", 'must be "image" or "video"'),
        ({"batch_id": "7"}, "batch_id", "must be a UUID"),
        ({"created_from": "yesterday"}, "created_from", "must be a time with its zone, such as 2026-11-20T12:00:00Z"),
        ({"created_before": "2026-11-20T12:00:00"}, "created_before", "must be a time with its zone"),
        ({"metadata_key": "order"}, "metadata_value", "is missing: `metadata_key` needs it"),
        ({"metadata_value": "7"}, "metadata_key", "is missing: `metadata_value` needs it"),
        ({"q": "the"}, "q", "has only words that are not searched for, such as `the`"),
        ({"q": "a\x00b"}, "q", "has a control character"),
        ({"statuss": "failed"}, "statuss", "there is no parameter `statuss`; do you mean `status`"),
        ({"page": 2}, "page", "there is no parameter `page`; do you mean `limit`, `cursor`, `status`"),
    ],
)
def test_wrong_parameter_is_refused_in_words(
    gateway: httpx.Client, customer: NewCustomer, parameters: dict[str, Any], field: str, words: str
) -> None:
    answer = gateway.get(PATH, params=parameters, headers=customer.headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    [problem] = answer.json()["errors"]
    assert problem["field"] == field
    assert words in problem["message"]
