"""Files in the answers of `/video`."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlmodel import select

from schemas.settings import Settings
from schemas.tables import Asset
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.seeds.orders import BODY, PRICE, accepted


def test_a_file_that_is_not_to_be_saved_is_in_the_answer_and_ends_soon(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Any,
    helper: ThreadPoolExecutor,
) -> None:
    wanted = {"prompt": "a boat", "save_to_db": False}
    sent = helper.submit(gateway.post, "/video/generate", json=wanted, headers=make_customer(PRICE).headers)
    (generation_id,) = accepted(database)
    complete(database, settings, objects, generation_id, BODY)

    answer = sent.result()
    start, _, content = answer.json()["data"]["video_url"].partition(",")
    assert (start, base64.b64decode(content)) == ("data:image/png;base64", BODY)
    assert int(answer.headers["content-length"]) == len(answer.content)
    with database.transaction() as session:
        asset = session.exec(select(Asset).where(Asset.generation_id == generation_id)).one()
    assert asset.expires_at is not None
    assert asset.created_at is not None
    assert (asset.expires_at - asset.created_at).total_seconds() == pytest.approx(600, abs=5)


def test_a_file_that_the_store_does_not_give_is_a_link(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Any,
    helper: ThreadPoolExecutor,
) -> None:
    wanted = {"prompt": "a boat", "save_to_db": False}
    headers = make_customer(PRICE).headers | {"Idempotency-Key": "1"}
    sent = helper.submit(gateway.post, "/video/generate", json=wanted, headers=headers)
    (generation_id,) = accepted(database)
    stored = complete(database, settings, objects, generation_id, BODY)
    assert sent.result().json()["data"]["video_url"].startswith("data:")
    objects.remove(stored.object_key)

    again = gateway.post("/video/generate", json=wanted, headers=headers)
    assert (again.status_code, again.json()["data"]["video_url"].partition("/files/")[1]) == (200, "/files/")


def test_a_file_above_the_limit_is_a_link(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Any,
    helper: ThreadPoolExecutor,
) -> None:
    wanted = {"prompt": "a boat", "save_to_db": False}
    sent = helper.submit(gateway.post, "/video/generate", json=wanted, headers=make_customer(PRICE).headers)
    (generation_id,) = accepted(database)
    complete(database, settings, objects, generation_id, BODY + b"!")

    assert gateway.get(sent.result().json()["data"]["video_url"]).content == BODY + b"!"
