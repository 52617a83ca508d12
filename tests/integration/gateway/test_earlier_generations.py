"""Orders over HTTP that name an earlier generation."""

from uuid import UUID

import httpx
import pytest

from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.test_uploads import errors, order
from tests.media_files.images import png
from tests.support import NewCustomer


def test_an_order_uses_an_image_of_an_earlier_generation(
    gateway: httpx.Client, customer: NewCustomer, database: Database, settings: Settings, objects: ObjectStore
) -> None:
    request = {"model": "nano-banana", "prompt": "fog"}
    first = gateway.post("/v1/generations", json=request, headers=customer.headers).json()["id"]
    entry = f"generation:{first}"
    assert errors(order(gateway, customer, entry)) == {"image_urls.0": "is not completed"}
    complete(database, settings, objects, UUID(first), png(64, 48))
    answer = order(gateway, customer, entry)
    assert answer.status_code == 202, answer.text
    assert answer.json()["inputs"]["image_urls"] == [entry]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (f"generation:{UUID(int=1)}", "is no generation of yours"),
        ("generation:the-first-one", "must be an http or https URL, upload:ID, generation:ID, or "),
    ],
)
def test_an_unknown_earlier_generation_is_refused_with_its_field(
    gateway: httpx.Client, customer: NewCustomer, entry: str, message: str
) -> None:
    wrong = errors(order(gateway, customer, entry))
    assert list(wrong) == ["image_urls.0"]
    assert wrong["image_urls.0"].startswith(message)
