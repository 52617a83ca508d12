"""Files in the answers of `/video`."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlmodel import select

from schemas.settings import Settings
from schemas.tables import Asset
from storage.assets import NewAsset
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.seeds.orders import BODY, PRICE, accepted

WANTED = {"prompt": "a boat", "save_to_db": False}

Made = Callable[[bytes, dict[str, str]], tuple[httpx.Response, NewAsset]]


@pytest.fixture
def made(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, helper: ThreadPoolExecutor
) -> Made:
    """Orders a video that is not to be saved, and completes it with a file. Returns the answer and the stored file."""

    def make(body: bytes, headers: dict[str, str]) -> tuple[httpx.Response, NewAsset]:
        sent = helper.submit(gateway.post, "/video/generate", json=WANTED, headers=headers)
        (generation_id,) = accepted(database)
        stored = complete(database, settings, objects, generation_id, body)
        return sent.result(), stored

    return make


def test_a_file_that_is_not_to_be_saved_is_in_the_answer_and_ends_soon(
    database: Database, make_customer: Any, made: Made
) -> None:
    answer, stored = made(BODY, make_customer(PRICE).headers)
    start, _, content = answer.json()["data"]["video_url"].partition(",")
    assert (start, base64.b64decode(content)) == ("data:image/png;base64", BODY)
    assert int(answer.headers["content-length"]) == len(answer.content)
    with database.transaction() as session:
        asset = session.exec(select(Asset).where(Asset.object_key == stored.object_key)).one()
    assert asset.expires_at is not None
    assert asset.created_at is not None
    assert (asset.expires_at - asset.created_at).total_seconds() == pytest.approx(600, abs=5)


def test_a_file_that_the_store_does_not_give_is_a_link(
    gateway: httpx.Client, objects: ObjectStore, make_customer: Any, made: Made
) -> None:
    headers = make_customer(PRICE).headers | {"Idempotency-Key": "1"}
    answer, stored = made(BODY, headers)
    assert answer.json()["data"]["video_url"].startswith("data:")
    objects.remove(stored.object_key)

    again = gateway.post("/video/generate", json=WANTED, headers=headers)
    assert (again.status_code, again.json()["data"]["video_url"].partition("/files/")[1]) == (200, "/files/")


def test_a_file_above_the_limit_is_a_link(gateway: httpx.Client, make_customer: Any, made: Made) -> None:
    answer, _ = made(BODY + b"!", make_customer(PRICE).headers)

    assert gateway.get(answer.json()["data"]["video_url"]).content == BODY + b"!"
