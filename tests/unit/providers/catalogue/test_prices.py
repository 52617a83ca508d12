"""What an order costs a customer, and what the order costs at a vendor."""

from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from providers.catalogue import CatalogueFile
from providers.catalogue.prices import Cost, Currency, Exchange, KnownCost, Price, Special, UnknownCost
from providers.catalogue.reading import read_folder
from schemas.orders import Inputs

SEEN = {"source": "https://vendor.example/prices", "seen_on": date(2026, 11, 28)}
VEO_LITE = Price(
    credits=Decimal(6),
    per="second",
    resolution_factors={"720p": Decimal(1), "1080p": Decimal(2)},
    audio_factor=Decimal(2),
    specials=[
        Special(amount=Decimal(10), resolution="720p", audio=True),
        Special(amount=Decimal(16), audio=True),
        Special(amount=Decimal(1), duration_seconds=4, input_videos=1),
    ],
    input_image=Decimal("0.5"),
)


@pytest.mark.parametrize(
    ("settings", "credits_"),
    [
        ({"resolution": "720p"}, 48),
        ({"resolution": "1080p"}, 96),
        ({"resolution": "720p", "audio": True}, 80),
        ({"resolution": "1080p", "audio": True}, 128),
        ({"resolution": "1080p", "audio": True, "duration_seconds": 4}, 64),
        ({"duration_seconds": 4, "video_urls": ["https://media.example/1.mp4"]}, 4),
        ({"duration_seconds": 4, "video_urls": ["https://media.example/1.mp4"] * 2}, 24),
        ({"image_urls": ["https://media.example/1.png"]}, 49),
        ({"image_urls": ["https://media.example/1.png"] * 2}, 49),
    ],
)
def test_the_first_special_amount_that_applies_replaces_the_factors(settings: dict[str, Any], credits_: int) -> None:
    assert VEO_LITE.of(Inputs.model_validate({"prompt": "x", "duration_seconds": 8, **settings})) == credits_


@pytest.mark.parametrize(
    ("rate", "credits_"),
    [
        ({"input_video": 2}, 48),
        ({"order": 3}, 43),
        ({"minimum": 39}, 40),
        ({"minimum": 41}, 41),
        ({"input_video": 2, "order": 3, "input_image": 5, "minimum": 10}, 61),
    ],
)
def test_amounts_beside_the_units_are_added_and_the_least_amount_is_kept(rate: dict[str, Any], credits_: int) -> None:
    price = Price.model_validate({"credits": 10, "per": "second", **rate})
    pictures, videos = ["https://media.example/1.png"] * 2, ["https://media.example/1.mp4"]
    assert price.of(Inputs(prompt="x", duration_seconds=4, image_urls=pictures, video_urls=videos)) == credits_


def test_a_special_amount_says_its_settings_in_words() -> None:
    special = Special(amount=Decimal(1), resolution="4k", aspect_ratio="1:1", duration_seconds=5, audio=False)
    assert special.settings() == "4k, 1:1, 5 s, silent"


COST: TypeAdapter[KnownCost | UnknownCost] = TypeAdapter(Cost)


def test_a_cost_is_an_amount_with_its_source_or_says_that_nobody_knows() -> None:
    known = COST.validate_python({"amount": Decimal("0.10"), "currency": "USD", "per": "second", **SEEN})
    assert isinstance(known, KnownCost)
    assert known.of(Inputs(prompt="x", duration_seconds=8)) == Decimal("0.80")
    unknown = COST.validate_python({"unknown": "the vendor publishes no price", "seen_on": date(2026, 11, 28)})
    assert isinstance(unknown, UnknownCost)


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        ({"amount": 1, "currency": "USD", "per": "second", "seen_on": SEEN["seen_on"]}, "source\\s.*Field required"),
        ({"amount": 1, "currency": "USD", "per": "second", "source": SEEN["source"]}, "seen_on\\s.*Field required"),
        ({"amount": 1, "currency": "USD", "per": "second", **SEEN, "source": "hearsay"}, "should match pattern"),
        ({"amount": 0, "currency": "USD", "per": "second", **SEEN}, "greater than 0"),
        ({"unknown": "nobody says", "amount": 1}, "Extra inputs are not permitted"),
        ({"unknown": ""}, "at least 1 character"),
        ({}, "amount\\s.*Field required"),
    ],
)
def test_a_cost_without_its_evidence_is_refused(cost: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        COST.validate_python(cost)


def test_amounts_of_every_currency_turn_into_credits() -> None:
    units = [Currency(name="kling-unit", dollars=Decimal("0.14"), **SEEN)]  # type: ignore[arg-type]
    exchange = Exchange(Decimal("0.005"), units)
    assert exchange.credits(Decimal("0.10"), "USD") == 20
    assert exchange.credits(Decimal("0.6"), "kling-unit") == Decimal("16.8")
    assert not exchange.knows("runway-credit")


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        (
            {"kling": {"unknown": "x", "seen_on": SEEN["seen_on"]}},
            r"costs name the accounts \['kie'\], not \['kling'\]",
        ),
        ({"kie": {"amount": 1, "currency": "gold", "per": "image", **SEEN}}, "has no currency 'gold'"),
        (
            {"kie": {"amount": 1, "currency": "USD", "per": "image", "resolution_factors": {"9K": 1}, **SEEN}},
            r"names \['9K'\], no resolution",
        ),
    ],
)
def test_costs_that_contradict_the_catalogue_are_refused(costs: dict[str, Any], message: str) -> None:
    data = read_folder(files("providers.catalogue"))
    data["models"][0] |= {"costs": costs}
    with pytest.raises(ValidationError, match=message):
        CatalogueFile.model_validate(data)
