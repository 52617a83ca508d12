"""The files of a generation live as long as the request and the operator allow."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from api_gateway import create_app
from schemas.orders import Order
from schemas.settings import Settings
from storage import sweeps
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer, a_generation, an_order

PATH = "/v1/generations"
A_DAY = 86_400


@pytest.fixture
def expiring(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> UUID:
    """A completed generation whose files are deleted after a day."""
    order: Order = an_order().model_copy(update={"expires_in": A_DAY})
    generation_id = a_generation(database, settings, customer, order)
    complete(database, settings, objects, generation_id, b"a picture", poster=True)
    return generation_id


@pytest.fixture
def limited(settings: Settings) -> Iterator[httpx.Client]:
    """A gateway whose operator keeps files for half a day."""
    retention = settings.retention.model_copy(update={"asset_days": 0.5})
    with serving(create_app(settings.model_copy(update={"retention": retention}))) as client:
        yield client


def end_the_time(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE assets SET expires_at = clock_timestamp() - interval '1 s'"))


def test_asset_shows_when_its_file_is_deleted(
    gateway: httpx.Client, limited: httpx.Client, customer: NewCustomer, expiring: UUID
) -> None:
    def left(client: httpx.Client) -> set[int]:
        body = client.get(f"{PATH}/{expiring}", headers=customer.headers).json()
        moments = {datetime.fromisoformat(asset["expires_at"]) for asset in body["assets"]}
        return {round((one - datetime.fromisoformat(body["finished_at"])) / timedelta(hours=1)) for one in moments}

    assert left(gateway) == {24}
    assert left(limited) == {12}, "the operator's limit is earlier"


def test_file_is_gone_when_its_time_is_over_and_the_sweep_deletes_it(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    expiring: UUID,
) -> None:
    before = [one.total.count for one in sweeps.sweep(database, objects, settings.retention, is_dry=True)]
    end_the_time(database)

    answer = gateway.get(f"{PATH}/{expiring}/content", headers=customer.headers)

    shown = gateway.get(f"{PATH}/{expiring}", headers=customer.headers).json()
    assert shown["links"]["content"] is None
    assert [asset["expired_at"] for asset in shown["assets"]] == [asset["expires_at"] for asset in shown["assets"]]
    assert (answer.status_code, answer.json()["code"]) == (410, "asset_expired")
    request = {"model": "nano-banana-edit", "prompt": "at night", "image_urls": [f"generation:{expiring}"]}
    assert "has no file any more" in gateway.post(PATH, json=request, headers=customer.headers).json()["detail"]
    dry = [one.total.count for one in sweeps.sweep(database, objects, settings.retention, is_dry=True)]
    assert dry[0] - before[0] == 2
    swept = next(iter(sweeps.sweep(database, objects, settings.retention)))
    assert (swept.kind, swept.total.count, swept.total.failed) == ("assets", 2, 0)
    body = gateway.get(f"{PATH}/{expiring}", headers=customer.headers).json()
    assert all(asset["expired_at"] for asset in body["assets"])
    assert body["links"]["content"] is None


def test_request_beyond_the_operators_limit_is_refused(limited: httpx.Client, customer: NewCustomer) -> None:
    request = {"model": "nano-banana", "prompt": "a boat"}

    answer = limited.post(PATH, json=request | {"expires_in": A_DAY}, headers=customer.headers)

    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "expires_in", "message": "must be at most 43200: files are kept for 0.5 days here"}
    ]
    assert limited.post(PATH, json=request | {"expires_in": 43_200}, headers=customer.headers).status_code == 202


def test_link_ends_with_the_file(database: Database, settings: Settings, customer: NewCustomer, expiring: UUID) -> None:
    s3 = settings.s3.model_copy(update={"public_endpoint": settings.s3.endpoint})
    with serving(create_app(settings.model_copy(update={"s3": s3}))) as published:

        def lifetime() -> int:
            answer = published.get(f"{PATH}/{expiring}/content", headers=customer.headers)
            return int(httpx.URL(answer.headers["location"]).params["X-Amz-Expires"])

        assert lifetime() == 3600
        with database.transaction() as session:
            session.execute(text("UPDATE assets SET expires_at = clock_timestamp() + interval '10 minutes'"))
        assert 0 < lifetime() <= 600


@pytest.mark.parametrize("value", [59, 0, -1, True, "an hour", 10**12])
def test_senseless_time_is_refused(gateway: httpx.Client, customer: NewCustomer, value: object) -> None:
    request = {"model": "nano-banana", "prompt": "a boat", "expires_in": value}

    answer = gateway.post(PATH, json=request, headers=customer.headers)

    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["errors"]] == ["expires_in"]
