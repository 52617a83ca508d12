"""The guard over prices: no route costs more than its customer pays, and old prices are pointed out."""

from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from cli.reports.prices import show_prices
from providers.catalogue import CatalogueFile
from providers.catalogue.lint import OLD_AFTER, losses, notices, without_cost
from providers.catalogue.reading import read_folder

SEEN = date(2026, 11, 28)
KNOWN = {"currency": "kie-credit", "source": "https://vendor.example/prices", "seen_on": SEEN}
VIDEO: dict[str, Any] = {
    "name": "video",
    "kind": "video",
    "title": "Video",
    "description": "A video.",
    "good_for": "tests",
    "quality": "high",
    "speed": "slow",
    "capabilities": {
        "prompt_characters": 100,
        "resolutions": ["720p", "1080p"],
        "durations_seconds": [4, 8],
        "audio": True,
        "max_images": 2,
    },
    "defaults": {"resolution": "720p", "duration_seconds": 4, "audio": False},
    "price": {"credits": 10, "per": "second", "resolution_factors": {"720p": 1, "1080p": 2}, "audio_factor": 2},
    "routes": [{"provider": "kie", "model": "its/video"}, {"provider": "kling", "model": "other/video"}],
}
SAME = {"amount": 10, "per": "second", "resolution_factors": {"720p": 1, "1080p": 2}, "audio_factor": 2, **KNOWN}


def catalogue(kie: dict[str, Any], kling: dict[str, Any] = SAME, **changes: Any) -> CatalogueFile:
    """A catalogue of one model, whose two routes have these costs."""
    currencies = [
        {"name": "kie-credit", "dollars": Decimal("0.005"), "source": "https://vendor.example", "seen_on": SEEN},
    ]
    model = {**VIDEO, "costs": {"kie": kie, "kling": kling}, **changes}
    later = {**VIDEO, "name": "later", "costs": {"kie": SAME, "kling": SAME}}
    return CatalogueFile.model_validate(
        {"credit_dollars": Decimal("0.005"), "currencies": currencies, "models": [model, later], "retired": []}
    )


def told(file: CatalogueFile) -> list[tuple[str, str, int, float]]:
    return [(loss.provider, loss.settings, loss.price, float(loss.cost)) for loss in losses(file)]


def test_no_route_of_the_catalogue_costs_more_than_its_customer_pays() -> None:
    assert losses(CatalogueFile.shipped()) == []


def test_a_price_equal_to_the_cost_is_no_loss() -> None:
    assert told(catalogue(SAME)) == []


@pytest.mark.parametrize(
    ("cost", "found"),
    [
        ({"amount": Decimal("10.1")}, [("720p, silent, 8 s", 80, 80.8), ("1080p, silent, 8 s", 160, 161.6)]),
        ({"resolution_factors": {"720p": 1, "1080p": 3}}, [("1080p, silent, 8 s", 160, 240)]),
        ({"per": "video", "amount": 50}, [("720p, silent, 4 s", 40, 50), ("1080p, silent, 4 s", 80, 100)]),
        (
            {"specials": [{"amount": 41, "audio": True, "duration_seconds": 8}]},
            [("720p, with sound, 8 s", 160, 328), ("1080p, with sound, 8 s", 320, 328)],
        ),
        ({"input_image": 1}, [("720p, silent, 4 s, from 2 pictures", 40, 42)]),
        ({"currency": "USD", "amount": Decimal("0.051")}, [("720p, silent, 8 s", 80, 81.6)]),
    ],
    ids=["amount", "resolution", "length", "special", "pictures", "currency"],
)
def test_each_kind_of_setting_can_lose(cost: dict[str, Any], found: list[tuple[str, int, float]]) -> None:
    rows = told(catalogue({**SAME, **cost}))
    assert {("kie", *row) for row in found} <= set(rows)
    assert {provider for provider, *_ in rows} == {"kie"}


def test_a_failover_that_costs_more_is_a_loss_of_its_route() -> None:
    dearer = {**SAME, "audio_factor": 3}
    assert told(catalogue(SAME, dearer)) == [
        ("kling", "720p, with sound, 8 s", 160, 240.0),
        ("kling", "1080p, with sound, 8 s", 320, 480.0),
    ]


def test_the_report_names_model_route_setting_price_and_cost() -> None:
    written = StringIO()
    assert not show_prices(catalogue(SAME, {**SAME, "audio_factor": 3}), SEEN, Console(file=written, width=120))
    (row,) = [line for line in written.getvalue().splitlines() if "1080p" in line]
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "video",
        "kling: other/video",
        "1080p, with sound, 8 s",
        "320",
        "480.00",
    ]
    assert "routes that cost more than their customers pay: 1 (4 of 4 routes compared" in written.getvalue()


def test_a_shape_counts_where_a_cost_depends_on_it() -> None:
    shapes = {**VIDEO["capabilities"], "aspect_ratios": ["1:1", "16:9"]}
    defaults = {**VIDEO["defaults"], "aspect_ratio": "1:1"}
    dear = {**SAME, "specials": [{"amount": 99, "aspect_ratio": "16:9"}]}
    rows = told(catalogue(dear, capabilities=shapes, defaults=defaults))
    assert {"16:9" in settings for _, settings, *_ in rows} == {True}


def test_a_route_without_a_published_price_is_not_compared_and_says_why() -> None:
    file = catalogue(SAME, {"unknown": "the vendor publishes no price", "seen_on": SEEN})
    assert told(file) == []
    assert [(notice.model, notice.message) for notice in without_cost(file)] == [
        ("video", "kling: the vendor publishes no price")
    ]


@pytest.mark.parametrize(("days", "is_old"), [(0, False), (OLD_AFTER.days, False), (OLD_AFTER.days + 1, True)])
def test_a_price_that_nobody_looked_at_for_120_days_is_pointed_out(days: int, is_old: bool) -> None:
    found = notices(catalogue(SAME, {"unknown": "no price", "seen_on": SEEN}), SEEN + timedelta(days=days))
    assert [notice.message for notice in found if notice.model == "video"] == (
        [f"the price of {name} is of 2026-11-28: look at the vendor's page again" for name in ("kie", "kling")]
        if is_old
        else []
    )


@pytest.mark.parametrize(
    ("today", "message"),
    [
        (date(2026, 12, 2), "ends on 2026-12-03: retire it then"),
        (date(2026, 12, 3), "could be shut down since 2026-12-03: try the model, and retire it if it is gone"),
    ],
)
def test_a_model_with_a_known_end_is_pointed_out(today: date, message: str) -> None:
    ending = catalogue(SAME, ends_on=date(2026, 12, 3), successor="later")
    assert [(notice.model, notice.message) for notice in notices(ending, today)] == [("video", message)]


def test_prices_that_lose_fail_at_any_date() -> None:
    data = read_folder(files("providers.catalogue"))
    for model in data["models"]:
        model["costs"] = {
            route["provider"]: {**KNOWN, "amount": 10**6, "per": model["price"]["per"]} for route in model["routes"]
        }
    lost = losses(CatalogueFile.model_validate(data))
    assert {loss.model for loss in lost} == {model["name"] for model in data["models"]}
