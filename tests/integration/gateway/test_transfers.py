"""`GET /v1/credits/transfers` as a customer uses it."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import httpx

from schemas.lists import Position
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.support import NewCustomer, a_generation

PATH = "/v1/credits/transfers"


def test_transfers_come_newest_first_and_add_up_to_the_credits(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Callable[[int], NewCustomer],
) -> None:
    customer, other = make_customer(100), make_customer(50)
    done, cancelled, _ = (a_generation(database, settings, customer) for _ in range(3))
    complete(database, settings, objects, done, b"a picture")
    gateway.post(f"/v1/generations/{cancelled}/cancel", headers=customer.headers)

    pages, cursor = [], None
    while True:
        page = gateway.get(PATH, params={"limit": 2} | ({"cursor": cursor} if cursor else {}), headers=customer.headers)
        pages.append(page.json()["data"])
        cursor = page.json()["next_cursor"]
        if not page.json()["has_more"]:
            break

    told = [transfer for page in pages for transfer in page]
    assert [one["kind"] for one in told] == ["release", "capture", "hold", "hold", "hold", "grant"]
    assert told[0]["generation_id"] == str(cancelled)
    assert told[-1] == told[-1] | {"amount": 100, "available_change": 100, "generation_id": None, "reference": "test"}
    available = gateway.get("/v1/credits", headers=customer.headers).json()["available"]
    assert sum(one["available_change"] for one in told) == available == 80
    assert len(gateway.get(PATH, headers=other.headers).json()["data"]) == 1


def test_cursor_of_another_list_is_refused(gateway: httpx.Client, customer: NewCustomer) -> None:
    cursor = Position(datetime.now(UTC), uuid4()).cursor
    answer = gateway.get(PATH, params={"cursor": cursor}, headers=customer.headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")
