"""A batch that repeats a file costs the file once."""

import base64
from collections.abc import Callable

import pytest

from intake import data_uris
from intake.orders import Intake, Payer
from schemas.batches import Part
from schemas.errors import InvalidRequest
from schemas.inputs import InputField
from schemas.orders import GenerationRequest, Order
from schemas.setting_groups import InputSettings
from storage.database import Database
from tests.media_files.images import png
from tests.support import NewCustomer

FOG, BOAT = (f"data:image/png;base64,{base64.b64encode(png(width, 8)).decode()}" for width in (8, 9))


def part(number: int, uri: str) -> Part:
    request = GenerationRequest(model="kling-2.6-image-to-video", prompt=f"fog {number}", image_urls=[uri])
    return Part(request, f"requests.{number}")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The `data:` URIs that were decoded."""
    seen: list[str] = []
    decode = data_uris.decode

    def noted(wanted: InputField, limits: InputSettings) -> data_uris.File:
        seen.append(wanted.url)
        return decode(wanted, limits)

    monkeypatch.setattr(data_uris, "decode", noted)
    return seen


def test_file_in_several_requests_of_a_batch_is_decoded_and_stored_once(
    intake: Intake, database: Database, make_customer: Callable[[int], NewCustomer], decoded: list[str]
) -> None:
    uris = [FOG, BOAT, FOG, FOG]
    accepted = intake.take_batch([part(number, uri) for number, uri in enumerate(uris)], Payer(make_customer(1000).id))

    assert decoded == [FOG, BOAT]
    fog, boat, *others = (Order.model_validate(one.order).inputs.image_urls for one in accepted.generations)
    assert others == [fog, fog]
    assert fog != boat


def test_wrong_file_in_several_requests_of_a_batch_names_the_first(
    intake: Intake, database: Database, make_customer: Callable[[int], NewCustomer]
) -> None:
    wrong = "data:image/png;base64,AAAA"
    with pytest.raises(InvalidRequest) as refused:
        intake.take_batch([part(0, FOG), part(1, wrong), part(2, wrong)], Payer(make_customer(1000).id))
    assert refused.value.detail.startswith("requests.1: image_urls.0: ")
    assert "requests.2" not in refused.value.detail
