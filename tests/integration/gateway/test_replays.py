"""A paid order stays the order of its request, although models, prices and inputs have changed since."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api_gateway import create_app
from schemas.setting_groups import InputSettings, ProvidersSettings
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.serving import serving
from tests.integration.gateway.videos import PATH, a_file, a_made_video, form
from tests.support import NewCustomer, new_customer

TWO = {"n": 2, "model": "nano-banana", "prompt": "a boat"}
NOW = {"poll_timeout_seconds": 0}


@pytest.fixture
def customer(database: Database) -> NewCustomer:
    """A customer with many credits."""
    return new_customer(database, 100_000)


@pytest.fixture(scope="module")
def later(settings: Settings) -> Iterator[httpx.Client]:
    """The gateway after a change: no model can be ordered, and nothing can be uploaded."""
    changes = {"providers": ProvidersSettings({}), "inputs": InputSettings(max_stored_uploads=0)}
    with serving(create_app(settings.model_copy(update=changes))) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/video/generate", {"json": {"prompt": "a boat", "settings": {"video": NOW}}}),
        ("/video/generate", {"json": {"prompt": "a boat", "settings": {"video": NOW | {"number_of_videos": 2}}}}),
        ("/image/generate", {"json": {"prompt": "a boat", "settings": {"image": NOW}}}),
        ("/api/video/generate", {"json": {"prompt": "a paper boat", "model": "kling-2.6-text-to-video"}}),
        (PATH, {"files": form(prompt="a boat", seconds="4") | {"input_reference": a_file()}}),
        ("/openai/v1/images/generations", {"json": TWO}),
        (
            "/openai/v1/images/edits",
            {"files": form(model="nano-banana-edit", prompt="at night") | {"image": a_file()}},
        ),
    ],
)
def test_a_repeated_order_needs_no_model_and_no_place_for_its_files(
    gateway: httpx.Client, later: httpx.Client, customer: NewCustomer, path: str, sent: dict[str, Any]
) -> None:
    headers = {**customer.headers, "Idempotency-Key": "order-1", "Prefer": "wait=1"}
    first = gateway.post(path, headers=headers, **sent)
    assert first.status_code in {200, 202, 504}, first.text
    before = _orders(gateway, customer)

    again = later.post(path, headers=headers, **sent)

    assert again.status_code == first.status_code, again.text
    assert _orders(gateway, customer) == before
    if first.status_code != 504:
        assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")


def test_an_order_that_a_client_sends_again_needs_no_model(
    gateway: httpx.Client, later: httpx.Client, customer: NewCustomer
) -> None:
    wanted = {"model": "kling-2.6-text-to-video", "prompt": "a boat"}
    first = gateway.post(PATH, json=wanted, headers={**customer.headers, "x-stainless-retry-count": "0"})
    assert first.status_code == 200, first.text

    again = later.post(PATH, json=wanted, headers={**customer.headers, "x-stainless-retry-count": "1"})

    assert (again.status_code, again.json()) == (200, first.json()), again.text


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/video/extend", {"prompt": "it sails on", "video_id": "{id}", "settings": {"video": NOW}}),
        (f"{PATH}/extensions", {"prompt": "it sails on", "video": {"id": "{id}"}}),
        (f"{PATH}/edits", {"prompt": "at night", "video": {"id": "{id}"}}),
        (f"{PATH}/{{id}}/remix", {"prompt": "at night"}),
    ],
)
def test_a_repeated_order_needs_no_input(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    path: str,
    wanted: dict[str, Any],
) -> None:
    source = str(a_made_video(customer, database, settings, objects))
    wanted = {
        name: {"id": source} if value == {"id": "{id}"} else source if value == "{id}" else value
        for name, value in wanted.items()
    }
    headers = {**customer.headers, "Idempotency-Key": "order-1"}
    first = gateway.post(path.format(id=source), json=wanted, headers=headers)
    assert first.status_code in {200, 202}, first.text
    assert gateway.delete(f"/v1/generations/{source}", headers=customer.headers).status_code == 204

    again = gateway.post(path.format(id=source), json=wanted, headers=headers)

    assert (again.status_code, again.json()) == (first.status_code, first.json())
    other = gateway.post(path.format(id=source), json=wanted | {"prompt": "another"}, headers=headers)
    assert other.status_code in {400, 409, 422}, other.text
    assert "idempotency_mismatch" in other.text


def _orders(gateway: httpx.Client, customer: NewCustomer) -> list[str]:
    page = gateway.get("/v1/generations", headers=customer.headers).json()
    return [each["id"] for each in page["data"]]
