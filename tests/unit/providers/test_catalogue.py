import tomllib
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from importlib.resources import files
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from providers.adapters.fal import wire as fal_wire
from providers.adapters.kie import families as kie_families
from providers.adapters.kling import wire as kling_wire
from providers.adapters.openai_videos import wire as openai_videos_wire
from providers.adapters.replicate import wire as replicate_wire
from providers.adapters.runway import wire as runway_wire
from providers.catalogue import Catalogue, CatalogueFile
from providers.models import Model, Price, RouteEntry, UnknownSubmit
from providers.registry import adapter_names
from schemas.enums import Kind
from schemas.errors import InvalidRequest, ModelRetired
from schemas.orders import GenerationRequest, Inputs, Route

FILE = CatalogueFile.shipped()
CATALOGUE = Catalogue(FILE, adapter_names())
T2V, I2V = "kling-2.6-text-to-video", "kling-2.6-image-to-video"
IMAGE_URL = "https://media.example/1.png"


def request(model: str, **fields: Any) -> GenerationRequest:
    return GenerationRequest.model_validate({"model": model, "prompt": "a boat", **fields})


def plainest(model: Model) -> GenerationRequest:
    return request(model.name, image_urls=[IMAGE_URL] * model.capabilities.min_images)


def shipped() -> dict[str, Any]:
    """The catalogue's text as data, to be spoilt."""
    text = files("providers").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return tomllib.loads(text, parse_float=Decimal)


@pytest.mark.parametrize("model", FILE.models, ids=lambda model: model.name)
def test_every_model_takes_its_own_defaults(model: Model) -> None:
    order = CATALOGUE.order(plainest(model))
    assert order.model == model.name
    assert order.credits > 0
    assert {route.provider for route in order.routes} <= adapter_names()
    assert len(order.routes) == len(model.routes)


WRITTEN: Mapping[str, Callable[[str, Inputs], Mapping[str, object]]] = {
    "fal": fal_wire.to_input,
    "kie": kie_families.to_body,
    "kling": partial(kling_wire.to_body, external_id="1", callback_url=None),
    "openai_videos": openai_videos_wire.to_form,
    "replicate": replicate_wire.to_input,
    "runway": runway_wire.to_body,
}


def choices(model: Model) -> dict[str, Sequence[object]]:
    """What a request may ask of a model, field by field."""
    can = model.capabilities
    return {
        "aspect_ratio": can.aspect_ratios,
        "resolution": can.resolutions,
        "duration_seconds": can.durations_seconds,
        "output_format": can.output_formats,
        "audio": [False, True] if can.audio else [],
    }


def written(route: RouteEntry, inputs: Inputs) -> Mapping[str, object]:
    """What a vendor is sent for these inputs."""
    return WRITTEN[route.provider](route.model, inputs)


ONE = Inputs(
    prompt="a boat",
    image_urls=[IMAGE_URL],
    aspect_ratio="16:9",
    resolution="720p",
    duration_seconds=5,
    audio=False,
    output_format="png",
)
ANOTHER = Inputs(
    prompt="a ship",
    image_urls=["https://media.example/2.png"],
    aspect_ratio="9:16",
    resolution="1080p",
    duration_seconds=10,
    audio=True,
    output_format="jpeg",
)


@pytest.mark.parametrize("model", FILE.models, ids=lambda model: model.name)
def test_every_input_that_a_model_takes_reaches_the_vendor_and_no_other(model: Model) -> None:
    offered = choices(model)
    taken = {field for field, values in offered.items() if len(values) > 1}
    if model.capabilities.uses_prompt:
        taken.add("prompt")
    if model.capabilities.max_images:
        taken.add("image_urls")
    for route in model.routes:
        reaching = {
            field
            for field, value in ANOTHER.model_dump().items()
            # Where there is one value, there is no choice that a vendor could be told of.
            if len(offered.get(field, [])) != 1
            and written(route, ONE.model_copy(update={field: value})) != written(route, ONE)
        }
        assert reaching == taken


def test_names_and_aliases_are_unique() -> None:
    names = [name for entry in (*FILE.models, *FILE.retired) for name in (entry.name, *entry.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("google/nano-banana", "nano-banana"),
        ("kling-2.6/text-to-video", T2V),
        ("nano-banana-pro", "nano-banana-pro"),
    ],
)
def test_the_vendors_names_are_aliases(alias: str, name: str) -> None:
    assert CATALOGUE.order(request(alias)).model == name


PRICES: list[tuple[str, dict[str, Any], int]] = [
    ("nano-banana", {}, 4),
    ("nano-banana-pro", {}, 18),
    ("nano-banana-pro", {"resolution": "2K"}, 18),
    ("nano-banana-pro", {"resolution": "4K"}, 27),
    (T2V, {}, 55),
    (T2V, {"duration_seconds": 10}, 110),
    (T2V, {"audio": True}, 110),
    (T2V, {"duration_seconds": 10, "audio": True}, 220),
    (T2V, {"audio": False}, 55),
    (I2V, {"image_urls": [IMAGE_URL], "duration_seconds": 10}, 110),
    ("kling-3.0-text-to-video", {}, 85),
    ("kling-3.0-text-to-video", {"duration_seconds": 15, "resolution": "1080p", "audio": True}, 1020),
    ("kling-3.0-image-to-video", {"image_urls": [IMAGE_URL], "duration_seconds": 3}, 51),
    ("flux-schnell", {}, 1),
    ("seedance-1-pro", {}, 150),
    ("seedance-1-pro", {"resolution": "480p", "duration_seconds": 10}, 60),
    ("seedance-1-pro", {"resolution": "720p"}, 60),
    ("openai-compatible-video", {}, 80),
    ("openai-compatible-video", {"duration_seconds": 12}, 240),
    ("gen-4.5-text-to-video", {}, 120),
    ("gen-4.5-image-to-video", {"image_urls": [IMAGE_URL], "duration_seconds": 2}, 48),
    ("gen-4-turbo-image-to-video", {"image_urls": [IMAGE_URL], "duration_seconds": 10}, 100),
    ("gen-4-image", {}, 10),
    ("gen-4-image", {"resolution": "1080p"}, 16),
    ("pika-2.2-text-to-video", {}, 40),
    ("pika-2.2-text-to-video", {"resolution": "1080p", "duration_seconds": 10}, 180),
    ("pika-2.2-image-to-video", {"image_urls": [IMAGE_URL]}, 40),
    ("longcat-video-text-to-video", {"duration_seconds": 10}, 80),
    ("stable-video", {"image_urls": [IMAGE_URL]}, 15),
]


@pytest.mark.parametrize(("model", "fields", "credits_"), PRICES)
def test_prices(model: str, fields: dict[str, Any], credits_: int) -> None:
    assert CATALOGUE.order(request(model, **fields)).credits == credits_


FACTORS = st.decimals(min_value="0.01", max_value="1000", places=3)


@given(FACTORS, FACTORS, FACTORS, st.integers(1, 600))
def test_a_price_is_exact_and_rounded_up(credits_: Decimal, resolution: Decimal, audio: Decimal, seconds: int) -> None:
    price = Price(credits=credits_, per="second", resolution_factors={"4K": resolution}, audio_factor=audio)
    inputs = Inputs(prompt="x", resolution="4K", audio=True, duration_seconds=seconds)
    exact = Fraction(credits_) * Fraction(resolution) * Fraction(audio) * seconds
    assert price.of(inputs) == ceil(exact)


def test_an_order_is_complete() -> None:
    order = CATALOGUE.order(request(T2V, metadata={"a": "b"}, deadline_seconds=60))
    assert order.inputs == Inputs(prompt="a boat", aspect_ratio="16:9", duration_seconds=5, audio=False)
    assert (order.kind, order.file_extension, order.deadline_seconds) == (Kind.VIDEO, "mp4", 60)
    assert order.routes == [Route(provider="kie", model="kling-2.6/text-to-video")]
    assert order.metadata == {"a": "b"}


@pytest.mark.parametrize(("output_format", "extension"), [(None, "png"), ("png", "png"), ("jpeg", "jpg")])
def test_the_extension_follows_the_format(output_format: str | None, extension: str) -> None:
    assert CATALOGUE.order(request("nano-banana", output_format=output_format)).file_extension == extension


def test_no_sound_is_what_a_silent_model_makes_anyway() -> None:
    assert CATALOGUE.order(request("nano-banana", audio=False)).inputs.audio is None


PROBLEMS: list[tuple[str, dict[str, Any], str, str, object]] = [
    (T2V, {"duration_seconds": 7}, "duration_seconds", "must be 5 or 10, not 7", [5, 10]),
    (T2V, {"aspect_ratio": "4:3"}, "aspect_ratio", "must be 16:9 or 9:16 or 1:1, not 4:3", ["16:9", "9:16", "1:1"]),
    (T2V, {"resolution": "4K"}, "resolution", "is not taken by this model; leave it out", []),
    (T2V, {"prompt": "x" * 1001}, "prompt", "has 1001 characters; at most 1000 are allowed", {"max_characters": 1000}),
    (T2V, {"image_urls": [IMAGE_URL]}, "image_urls", "is not taken by this model; leave it out", {"min": 0, "max": 0}),
    (I2V, {}, "image_urls", "has 0 URLs; exactly 1 is needed", {"min": 1, "max": 1}),
    (
        "nano-banana-pro",
        {"image_urls": [IMAGE_URL] * 9},
        "image_urls",
        "has 9 URLs; at most 8 are allowed",
        {"min": 0, "max": 8},
    ),
    ("nano-banana", {"audio": True}, "audio", "must be false, not true", [False]),
    ("nano-banana", {"duration_seconds": 5}, "duration_seconds", "is not taken by this model; leave it out", []),
    ("nano-banana", {"output_format": "gif"}, "output_format", "must be png or jpeg, not gif", ["png", "jpeg"]),
]


@pytest.mark.parametrize(("model", "fields", "field", "message", "allowed"), PROBLEMS)
def test_what_a_model_cannot_do(model: str, fields: dict[str, Any], field: str, message: str, allowed: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CATALOGUE.order(request(model, **fields))
    assert caught.value.detail == f"{model} cannot do that: {field} {message}"
    assert caught.value.problem()["errors"] == [{"field": field, "message": message, "allowed": allowed}]


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        CATALOGUE.order(request(I2V, prompt="x" * 1001, duration_seconds=6, aspect_ratio="1:1", resolution="4K"))
    errors = caught.value.extra["errors"]
    assert isinstance(errors, list)
    assert [error["field"] for error in errors] == [
        "prompt",
        "image_urls",
        "aspect_ratio",
        "resolution",
        "duration_seconds",
    ]


def test_an_unknown_model_suggests_a_close_one() -> None:
    with pytest.raises(InvalidRequest) as caught:
        CATALOGUE.order(request("nano-bananna"))
    assert caught.value.detail.startswith("there is no model 'nano-bananna'; did you mean nano-banana")


def test_an_unknown_model_without_a_close_one_lists_all() -> None:
    with pytest.raises(InvalidRequest) as caught:
        CATALOGUE.order(request("zzz"))
    names = [model.name for model in FILE.models]
    assert caught.value.detail == f"there is no model 'zzz'; there are {', '.join(names)}"
    assert caught.value.extra["errors"] == [{"field": "model", "message": "there is no model 'zzz'", "allowed": names}]


@pytest.mark.parametrize("name", ["sora-2-text-to-video", "sora-2"])
def test_a_retired_model_names_its_successor(name: str) -> None:
    with pytest.raises(ModelRetired) as caught:
        CATALOGUE.order(request(name))
    assert caught.value.http_status == 410
    assert caught.value.detail == f"{name} was retired on 2026-09-24; its successor is {T2V}"
    assert caught.value.extra == {"retired_on": "2026-09-24", "successor": T2V}


def test_a_model_without_a_configured_provider_is_absent() -> None:
    catalogue = Catalogue.load(frozenset())
    assert [card.name for card in catalogue.models()] == ["sora-2-text-to-video"]
    with pytest.raises(InvalidRequest) as caught:
        catalogue.order(request("nano-banana"))
    assert caught.value.detail == (
        "no provider that is configured here serves the model 'nano-banana'; none can be ordered now"
    )


def test_cards_tell_all_but_the_routes() -> None:
    *cards, retired = CATALOGUE.models()
    assert [card.name for card in cards] == [model.name for model in FILE.models]
    for card, model in zip(cards, FILE.models, strict=True):
        assert (card.capabilities, card.defaults, card.price) == (model.capabilities, model.defaults, model.price)
        assert (card.retired_on, card.successor) == (None, None)
    assert (str(retired.retired_on), retired.successor, retired.price) == ("2026-09-24", T2V, None)
    assert "routes" not in cards[0].model_dump_json()


def test_unknown_submits_fail_unless_the_route_says_otherwise() -> None:
    data = shipped()
    data["models"][0]["routes"].append({"provider": "kie", "model": "other", "unknown_submit": "resubmit"})
    catalogue = Catalogue(CatalogueFile.model_validate(data), adapter_names())
    first, second = catalogue.order(request("nano-banana")).routes
    assert catalogue.unknown_submit("nano-banana", first) is UnknownSubmit.FAIL
    assert catalogue.unknown_submit("nano-banana", second) is UnknownSubmit.RESUBMIT
    assert catalogue.unknown_submit("nano-banana-pro", second) is UnknownSubmit.FAIL
    assert catalogue.unknown_submit("gone", second) is UnknownSubmit.FAIL


SPOILT: list[tuple[str, list[str | int], object, str]] = [
    ("unknown field", ["models", 0, "colour"], "red", "Extra inputs are not permitted"),
    ("text for a number", ["models", 0, "capabilities", "prompt_characters"], "5000", "valid integer"),
    ("free", ["models", 0, "price", "credits"], 0, "greater than 0"),
    ("unknown provider", ["models", 0, "routes", 0, "provider"], "No Body", "String should match pattern"),
    ("no route", ["models", 0, "routes"], [], "at least 1 item"),
    (
        "default not offered",
        ["models", 0, "defaults", "aspect_ratio"],
        "7:5",
        "the default aspect_ratio must be one of",
    ),
    (
        "default missing",
        ["models", 2, "defaults"],
        {"aspect_ratio": "16:9", "audio": False},
        "default duration_seconds",
    ),
    ("unpriced resolution", ["models", 1, "price", "resolution_factors"], {"1K": 1}, "must name every resolution"),
    ("image per second", ["models", 0, "price", "per"], "second", "an image per image"),
    ("kind", ["models", 0, "kind"], "video", "a video has durations_seconds"),
    ("images", ["models", 0, "capabilities", "min_images"], 1, "must not be above max_images"),
    ("alias twice", ["models", 0, "aliases"], ["nano-banana-pro"], "two models answer to the name 'nano-banana-pro'"),
    ("successor", ["retired", 0, "successor"], "nothing", "its successor 'nothing' is not a model"),
]


@pytest.mark.parametrize(("path", "value", "message"), [row[1:] for row in SPOILT], ids=[row[0] for row in SPOILT])
def test_a_catalogue_that_contradicts_itself_is_refused(path: list[str | int], value: object, message: str) -> None:
    data = shipped()
    place: Any = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ValidationError, match=message):
        CatalogueFile.model_validate(data)


@pytest.mark.parametrize("model", FILE.models, ids=lambda model: model.name)
def test_every_choice_that_is_offered_can_be_ordered(model: Model) -> None:
    for field, values in choices(model).items():
        for choice in values:
            order = CATALOGUE.order(plainest(model).model_copy(update={field: choice}))
            assert getattr(order.inputs, field) == choice
            assert order.credits > 0
