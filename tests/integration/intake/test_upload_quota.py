"""The quota of stored uploads holds at every door, and a customer sees the quota and its use."""

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text
from sqlmodel import func, select

from api_gateway import create_app
from intake.orders import Intake
from schemas.settings import Settings
from schemas.tables import Generation
from storage import ledger
from storage.database import Database
from storage.ledger import Balance
from storage.objects import ObjectStore
from storage.uploads import PREFIX
from tests.integration.gateway.serving import serving
from tests.integration.intake.conftest import Door, http_door, redis_door_of
from tests.media_files.images import png
from tests.support import NewCustomer

MOST = 3
MOST_BYTES = 4096
AT_ONCE = 16
PICTURES = [png(8 + number, 8) for number in range(AT_ONCE)]
I2V = {"model": "kling-2.6-image-to-video", "prompt": "the fog lifts"}


@pytest.fixture(scope="module")
def limited(settings: Settings) -> Settings:
    """Settings with a small quota. One customer may send many uploads at one time."""
    inputs = {"max_stored_uploads": MOST, "max_stored_bytes": MOST_BYTES, "uploads_at_once": AT_ONCE}
    return settings.model_copy(update={"inputs": settings.inputs.model_copy(update=inputs)})


@pytest.fixture(scope="module")
def gateway(limited: Settings) -> Iterator[httpx.Client]:
    """A gateway with a small quota."""
    with serving(create_app(limited)) as client:
        yield client


@pytest.fixture(params=["http", "redis"])
def door(request: pytest.FixtureRequest, gateway: httpx.Client, intake: Intake, limited: Settings) -> Door:
    """Each door in turn, with a small quota."""
    return http_door(gateway) if request.param == "http" else redis_door_of(replace(intake, settings=limited))


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    """A customer with 1000 credits."""
    return make_customer(1000)


def upload(gateway: httpx.Client, customer: NewCustomer, body: bytes) -> httpx.Response:
    return gateway.post("/v1/uploads", content=body, headers=customer.headers)


def fill(gateway: httpx.Client, customer: NewCustomer) -> list[str]:
    """Store as many uploads as the quota allows; their paths."""
    answers = [upload(gateway, customer, picture) for picture in PICTURES[:MOST]]
    assert [answer.status_code for answer in answers] == [201] * MOST
    return [answer.headers["location"] for answer in answers]


def files(objects: ObjectStore, customer: NewCustomer) -> int:
    return sum(1 for _ in objects.list(f"{PREFIX}{customer.id}/"))


def ordering(*pictures: bytes) -> dict[str, object]:
    return {**I2V, "image_urls": [f"data:image/png;base64,{base64.b64encode(each).decode()}" for each in pictures]}


def test_parallel_uploads_store_exactly_the_quota(
    gateway: httpx.Client, database: Database, objects: ObjectStore, customer: NewCustomer
) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda picture: upload(gateway, customer, picture), PICTURES))

    assert sorted(answer.status_code for answer in answers) == [201] * MOST + [403] * (AT_ONCE - MOST)
    assert files(objects, customer) == MOST, "a refused file stays in the object store"


def test_an_upload_over_the_quota_says_the_limit_the_use_and_the_ways_to_free_room(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    fill(gateway, customer)
    answer = upload(gateway, customer, PICTURES[MOST])
    told, stored = answer.json(), sum(len(picture) for picture in PICTURES[:MOST])

    assert (answer.status_code, told["code"]) == (403, "storage_quota_exceeded")
    assert (told["uploads_allowed"], told["uploads_stored"]) == (MOST, MOST)
    assert (told["bytes_allowed"], told["bytes_stored"]) == (MOST_BYTES, stored)
    assert told["bytes_needed"] == len(PICTURES[MOST])
    me = gateway.get("/v1/me", headers=customer.headers).json()["uploads"]
    first_end = me.pop("next_expiry_at")
    assert me == {"count": MOST, "size_bytes": stored, "max_count": MOST, "max_size_bytes": MOST_BYTES}
    assert told["next_expiry_at"][:19] == first_end[:19]
    assert "DELETE /v1/uploads/ID" in told["detail"]
    assert told["next_expiry_at"] in told["detail"]


def test_a_file_that_exceeds_the_bytes_is_refused(
    gateway: httpx.Client, database: Database, objects: ObjectStore, customer: NewCustomer
) -> None:
    answer = upload(gateway, customer, PICTURES[0].ljust(MOST_BYTES + 1, b"\0"))
    assert (answer.status_code, answer.json()["next_expiry_at"], files(objects, customer)) == (403, None, 0)
    assert upload(gateway, customer, PICTURES[0].ljust(MOST_BYTES, b"\0")).status_code == 201


def test_a_stored_file_can_be_sent_again_with_a_full_quota(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    fill(gateway, customer)
    assert upload(gateway, customer, PICTURES[0]).status_code == 201


def test_a_deleted_upload_frees_room(gateway: httpx.Client, database: Database, customer: NewCustomer) -> None:
    path, *_ = fill(gateway, customer)
    assert gateway.delete(path, headers=customer.headers).status_code == 204
    assert upload(gateway, customer, PICTURES[MOST]).status_code == 201


def test_an_expired_upload_frees_room_before_a_sweep_and_needs_room_to_come_back(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    fill(gateway, customer)
    with database.transaction() as session:
        session.execute(text("UPDATE uploads SET expires_at = expires_at - :by"), {"by": timedelta(days=8)})
    for picture in PICTURES[MOST : 2 * MOST]:
        assert upload(gateway, customer, picture).status_code == 201
    assert upload(gateway, customer, PICTURES[0]).status_code == 403


def test_another_customers_uploads_do_not_count(
    gateway: httpx.Client, make_customer: Callable[[int], NewCustomer], customer: NewCustomer
) -> None:
    fill(gateway, customer)
    assert upload(gateway, make_customer(0), PICTURES[0]).status_code == 201


def test_an_order_whose_files_exceed_the_quota_stores_none_of_them_and_holds_no_credits(
    door: Door, gateway: httpx.Client, database: Database, objects: ObjectStore, customer: NewCustomer
) -> None:
    upload(gateway, customer, PICTURES[0])
    two_frames = {"model": "veo-3-fast", "prompt": "fog"}
    refused = door(customer, {**ordering(*PICTURES[1 : MOST + 1]), **two_frames}, None)

    assert refused.problem.get("code") == "storage_quota_exceeded", refused
    assert files(objects, customer) == 1
    with database.transaction() as session:
        assert session.exec(select(func.count()).select_from(Generation)).one() == 0
        assert ledger.balance(session, customer.id) == Balance(available=1000, held=0)
    assert door(customer, ordering(PICTURES[1]), None).is_new
