"""An order whose customer cannot pay is refused before its files are read, at every door."""

import base64
from collections.abc import Callable

import pytest
from sqlalchemy import text

from storage.database import Database
from storage.objects import ObjectStore
from storage.uploads import PREFIX
from tests.integration.intake.conftest import Door
from tests.media_files.images import png
from tests.support import NewCustomer

PICTURE = f"data:image/png;base64,{base64.b64encode(png(64, 48)).decode()}"
UNREADABLE = "data:image/png;base64,????"
I2V = {"model": "kling-2.6-image-to-video", "prompt": "the fog lifts"}

MakeCustomer = Callable[[int], NewCustomer]


@pytest.fixture(params=["http", "over_redis", "over_plain_redis"])
def door(request: pytest.FixtureRequest, database: Database) -> Door:
    """Each door in turn."""
    opened: Door = request.getfixturevalue(request.param)
    return opened


def price(door: Door, customer: NewCustomer) -> int:
    """The price of the order, as a refusal names the price."""
    needed: int = door(customer, {**I2V, "image_urls": [PICTURE]}, None).problem["credits_needed"]
    return needed


def test_files_of_an_order_that_cannot_be_paid_are_neither_decoded_nor_stored(
    door: Door, objects: ObjectStore, make_customer: MakeCustomer
) -> None:
    customer = make_customer(1)
    refused = door(customer, {**I2V, "image_urls": [UNREADABLE]}, None)

    assert (refused.problem["code"], refused.problem["credits_available"]) == ("insufficient_credits", 1)
    assert door(customer, {**I2V, "image_urls": [PICTURE]}, None).problem["code"] == "insufficient_credits"
    assert list(objects.list(f"{PREFIX}{customer.id}/")) == []


def test_files_of_an_order_that_can_just_be_paid_are_taken(door: Door, make_customer: MakeCustomer) -> None:
    needed = price(door, make_customer(0))
    customer = make_customer(needed)

    assert door(customer, {**I2V, "image_urls": [PICTURE]}, None).is_new
    assert door(customer, {**I2V, "image_urls": [PICTURE]}, None).problem["credits_available"] == 0


def test_a_repeated_order_needs_no_credits(door: Door, make_customer: MakeCustomer) -> None:
    customer = make_customer(price(door, make_customer(0)))
    order = {**I2V, "image_urls": [PICTURE]}
    first = door(customer, order, "order-1")

    again = door(customer, order, "order-1")
    assert (again.id, again.is_new) == (first.id, False)


def test_an_order_that_names_no_model_is_checked_by_the_cheapest_one(door: Door, make_customer: MakeCustomer) -> None:
    cheap = {"kind": "image", "prompt": "fog", "image_urls": [UNREADABLE]}
    assert door(make_customer(0), cheap, None).problem["code"] == "insufficient_credits"
    assert door(make_customer(1000), cheap, None).problem["code"] == "invalid_request"


def test_a_model_that_cannot_be_ordered_is_told_before_files_are_stored(
    door: Door, database: Database, make_customer: MakeCustomer
) -> None:
    unknown = {"model": "no-such-model", "prompt": "fog", "image_urls": [PICTURE]}
    assert door(make_customer(1000), unknown, None).problem["code"] == "invalid_request"
    with database.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM uploads")).scalar_one() == 0
