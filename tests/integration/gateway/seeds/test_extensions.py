"""`/video/extend`."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlmodel import select

from schemas.settings import Settings
from schemas.tables import Asset
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.seeds.orders import BODY, plain
from tests.support import NewCustomer, a_generation, a_video


@pytest.mark.parametrize(
    ("form", "model", "extender"),
    [
        ("{id}", None, "veo-3-fast-extend"),
        ("{url}", None, "veo-3-fast-extend"),
        ("{base}/video/{id}?customer_id=1", "veo-3.1-fast", "veo-3-fast-extend"),
        ("/video/{id}/download", None, "veo-3-fast-extend"),
        ("generation:{id}", "veo-3.1", "veo-3-extend"),
    ],
)
def test_a_video_of_ours_is_extended_by_its_id_or_its_link(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Any,
    form: str,
    model: str | None,
    extender: str,
) -> None:
    customer: NewCustomer = make_customer(1000)
    generation_id = _extendable(database, settings, objects, customer)
    url = gateway.get(f"/video/{generation_id}", headers=customer.headers).json()["data"]["video_url"]
    base = str(gateway.base_url).rstrip("/")
    video_id = form.format(id=generation_id, url=url, base=base)
    wanted = {**plain(**({"model": model} if model else {})), "video_id": video_id}

    answer = gateway.post("/video/extend", json=wanted, headers=customer.headers)

    assert answer.status_code == 202, answer.text
    data = answer.json()["data"]
    assert (data["provider"], data["served_by"]["model"], data["duration"]) == ("gemini", extender, 7)


def test_several_extensions_are_one_order_of_the_same_extender(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, make_customer: Any
) -> None:
    customer = make_customer(1000)
    generation_id = _extendable(database, settings, objects, customer)
    wanted = {**plain(number_of_videos=2, model="veo-3-fast-extend"), "video_id": str(generation_id)}

    answer = gateway.post("/video/extend", json=wanted, headers=customer.headers)

    assert answer.status_code == 202, answer.text
    data = answer.json()["data"]
    assert (data["served_by"]["model"], len(data["videos"])) == ("veo-3-fast-extend", 2)


def test_a_prompt_that_must_stay_is_refused_by_the_extender(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, make_customer: Any
) -> None:
    customer = make_customer(1000)
    generation_id = _extendable(database, settings, objects, customer)
    wanted = {**plain(enhance_prompt=False), "video_id": str(generation_id)}

    answer = gateway.post("/video/extend", json=wanted, headers=customer.headers)

    assert answer.status_code == 422
    assert "settings.video.enhance_prompt must be true, not false" in answer.json()["message"]


def test_an_address_of_another_server_is_no_id_of_ours(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, make_customer: Any
) -> None:
    customer = make_customer(1000)
    generation_id = _extendable(database, settings, objects, customer)
    wanted = {**plain(), "video_id": f"https://cdn.other.example/video/{generation_id}"}

    assert gateway.post("/video/extend", json=wanted, headers=customer.headers).status_code == 501


def test_a_model_that_does_not_extend_is_refused_with_those_that_do(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, make_customer: Any
) -> None:
    customer = make_customer(1000)
    generation_id = _extendable(database, settings, objects, customer)
    wanted = {**plain(model="kling"), "video_id": str(generation_id)}

    answer = gateway.post("/video/extend", json=wanted, headers=customer.headers)

    assert answer.status_code == 501
    assert answer.json()["error"]["extenders"] == ["veo-3-extend", "veo-3-fast-extend", "veo-3-lite-extend"]
    assert "veo-3-fast-extend" in answer.json()["message"]


def _extendable(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> UUID:
    """A completed video of Veo at Kie."""
    order = a_video()
    order = order.model_copy(update={"inputs": order.inputs.model_copy(update={"resolution": "720p"})})
    generation_id = a_generation(database, settings, customer, order)
    complete(database, settings, objects, generation_id, BODY)
    # `complete` stores every result as a picture.
    with database.transaction() as session:
        asset = session.exec(select(Asset).where(Asset.generation_id == generation_id)).one()
        asset.content_type = "video/mp4"
    return generation_id
