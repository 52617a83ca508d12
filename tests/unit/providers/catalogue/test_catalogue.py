from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from math import ceil
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.models import Model, RouteEntry, UnknownSubmit
from providers.catalogue.prices import Price
from providers.catalogue.reading import read_folder
from providers.registry import adapter_names
from schemas.enums import Kind
from schemas.errors import InvalidRequest, ModelPaused, ModelRetired
from schemas.inputs import InputFacts, Origin, generation_url, upload_url
from schemas.orders import GenerationRequest, Inputs, Route
from tests.contract.wires import WIRES

FILE = CatalogueFile.shipped()
CATALOGUE = Catalogue(FILE, adapter_names())
T2V, I2V = "kling-2.6-text-to-video", "kling-2.6-image-to-video"
IMAGE_URL = "https://media.example/1.png"
VIDEO_URL = "https://media.example/1.mp4"
MINE = generation_url(UUID(int=1))
FACTS = {
    MINE: InputFacts("video/mp4", 1000, Origin("veo-3", "kie", "720p")),
    VIDEO_URL: InputFacts("video/mp4", 1000, duration_seconds=3),
}
"""A video that models go on from (every one that does goes on from Veo's at Kie), and one as if it were uploaded."""


def request(model: str, **fields: Any) -> GenerationRequest:
    return GenerationRequest.model_validate({"model": model, "prompt": "a boat", **fields})


def plainest(model: Model) -> GenerationRequest:
    can = model.capabilities
    video = MINE if can.extends else VIDEO_URL
    return request(model.name, image_urls=[IMAGE_URL] * can.min_images, video_urls=[video] * can.min_videos)


def shipped() -> dict[str, Any]:
    """The shipped catalogue as data, for changes by a test."""
    return read_folder(files("providers.catalogue"))


@pytest.mark.parametrize("model", FILE.models, ids=lambda model: model.name)
def test_every_model_takes_its_own_defaults(model: Model) -> None:
    order = CATALOGUE.order(plainest(model), FACTS)
    assert order.model == model.name
    assert order.credits > 0
    assert {route.provider for route in order.routes} <= adapter_names()
    assert len(order.routes) == len(model.routes)


def choices(model: Model) -> dict[str, Sequence[object]]:
    """The values that a request can contain for a model, by field."""
    can = model.capabilities
    return {
        "aspect_ratio": can.aspect_ratios,
        "resolution": can.resolutions,
        "duration_seconds": can.durations_seconds,
        "output_format": can.output_formats,
        "fps": can.fps_choices,
        "audio": can.audio_choices if can.audio else [],
        "enhance_prompt": can.enhance_prompt_choices if can.enhance_prompt else [],
        "motion": [0.0, 0.9] if can.motion else [],
        "seed": [] if can.max_seed is None else [0, can.max_seed],
        "negative_prompt": ["blur", "x" * can.negative_prompt_characters] if can.negative_prompt_characters else [],
    }


def written(route: RouteEntry, inputs: Inputs) -> Mapping[str, object]:
    """The body that a vendor gets for these inputs."""
    return WIRES[route.provider].written(route.model, inputs)


ONE = Inputs(
    prompt="a boat",
    image_urls=[IMAGE_URL],
    aspect_ratio="16:9",
    resolution="720p",
    duration_seconds=5,
    audio=False,
    output_format="png",
    fps=15,
    enhance_prompt=False,
    motion=0.1,
    seed=1,
    negative_prompt="blur",
    video_urls=["https://media.example/1.mp4"],
)
ANOTHER = Inputs(
    prompt="a ship",
    image_urls=["https://media.example/2.png"],
    aspect_ratio="9:16",
    resolution="1080p",
    duration_seconds=10,
    audio=True,
    output_format="jpeg",
    fps=30,
    enhance_prompt=True,
    motion=0.9,
    seed=2,
    negative_prompt="haze",
    video_urls=["https://media.example/2.mp4"],
)


def pairs(model: Model, offered: Mapping[str, Sequence[object]]) -> dict[str, tuple[Inputs, Inputs]]:
    """Two orders for each input, which differ only there. Each value is one that the model takes, if it takes any."""
    values = {field: (values[0], values[-1]) for field, values in offered.items() if values}
    one = ONE.model_copy(update={field: value for field, (value, _) in values.items()})
    other = ANOTHER.model_copy(update={field: value for field, (_, value) in values.items()})
    found = {}
    for field, value in other.model_dump().items():
        base = one
        if model.capabilities.keeps_image_shape:
            base = base.model_copy(update={"image_urls": []} if field == "aspect_ratio" else {"aspect_ratio": None})
        found[field] = (base, base.model_copy(update={field: value}))
    return found


FOR_THE_PRICE = {"aleph-2-video-to-video"}
"""Models whose result is as long as the input video: the vendor gets no duration."""


@pytest.mark.parametrize("model", FILE.models, ids=lambda model: model.name)
def test_every_input_that_a_model_takes_reaches_the_vendor_and_no_other(model: Model) -> None:
    offered = choices(model)
    taken = {field for field, values in offered.items() if len(values) > 1}
    if model.capabilities.uses_prompt:
        taken.add("prompt")
    if model.capabilities.max_images:
        taken.add("image_urls")
    if model.capabilities.max_videos:
        taken.add("video_urls")
    if model.name in FOR_THE_PRICE:
        taken.remove("duration_seconds")
    for route in model.routes:
        reaching = {
            field
            for field, (one, other) in pairs(model, offered).items()
            # With only one value, the vendor has no field for the choice.
            if len(offered.get(field, [])) != 1 and written(route, one) != written(route, other)
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


PRICES: list[tuple[str, str, dict[str, Any], int]] = [
    ("an image has a price", "nano-banana-pro", {}, 18),
    ("a resolution has a factor", "gen-4-image", {"resolution": "1080p"}, 16),
    ("a factor of one changes nothing", "gen-4-image", {"resolution": "720p"}, 10),
    ("a resolution has an amount of its own", "nano-banana-pro", {"resolution": "4K"}, 24),
    ("an image that is given has a price", "gemini-nano-banana-2.1", {"image_urls": [IMAGE_URL] * 14}, 13),
    ("a video that is given has a price", "gemini-omni-1.2-flash", {"video_urls": [VIDEO_URL]}, 128),
    ("a picture that is given costs nothing", "gen-4-image", {"image_urls": [IMAGE_URL]}, 10),
    ("each second counts", T2V, {"duration_seconds": 10}, 140),
    ("a default length counts as one that is asked for", T2V, {}, 70),
    ("sound has a factor", T2V, {"audio": True}, 140),
    ("silence has none", T2V, {"audio": False}, 70),
    ("sound can have an amount of its own", "kling-3.0-video", {"generate_audio": True}, 100),
    ("a factor below one makes it cheaper", "seedance-1-pro", {"resolution": "480p", "duration_seconds": 10}, 60),
    ("a video's price is that of any length", "veo-3", {"duration_seconds": 4}, 250),
    ("a part of a credit is rounded up", "kling-3.0-turbo-text-to-video", {"duration_seconds": 3}, 68),
    (
        "the length of a video that is given is what is ordered",
        "aleph-2-video-to-video",
        {"video_urls": [VIDEO_URL], "duration_seconds": 12},
        672,
    ),
]


@pytest.mark.parametrize(("model", "fields", "credits_"), [row[1:] for row in PRICES], ids=[row[0] for row in PRICES])
def test_prices(model: str, fields: dict[str, Any], credits_: int) -> None:
    assert CATALOGUE.order(request(model, **fields), FACTS).credits == credits_


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
    assert order.routes == [
        Route(provider="kie", model="kling-2.6/text-to-video"),
        Route(provider="kling", model="text-to-video/kling-2.6"),
    ]
    assert order.metadata == {"a": "b"}


@pytest.mark.parametrize(("output_format", "extension"), [(None, "png"), ("png", "png"), ("jpeg", "jpg")])
def test_the_extension_follows_the_format(output_format: str | None, extension: str) -> None:
    assert CATALOGUE.order(request("nano-banana", output_format=output_format)).file_extension == extension


@pytest.mark.parametrize("asked", [{}, {"enhance_prompt": True}])
def test_a_model_that_always_rewrites_the_prompt_says_so(asked: dict[str, bool]) -> None:
    assert CATALOGUE.order(request("veo-3.1-fast", **asked)).inputs.enhance_prompt is True


def test_the_frame_rate_that_a_model_delivers_can_be_ordered() -> None:
    assert CATALOGUE.order(request(T2V, fps=24)).inputs.fps == 24
    assert CATALOGUE.order(request(T2V)).inputs.fps is None
    order = CATALOGUE.order(GenerationRequest(prompt="a boat", kind=Kind.VIDEO, fps=24, seed=1))
    assert order.model == "seedance-1-pro"


def test_a_silent_model_takes_generate_audio_false() -> None:
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
    ("nano-banana", {"generate_audio": True}, "generate_audio", "must be false, not true", [False]),
    ("veo-3-fast", {"generate_audio": False}, "generate_audio", "must be true, not false", [True]),
    ("nano-banana", {"seed": 0}, "seed", "is not taken by this model; leave it out", []),
    ("flux-schnell", {"seed": 2**31}, "seed", f"must be 0 to {2**31 - 1}, not {2**31}", {"min": 0, "max": 2**31 - 1}),
    ("kling-3.0-text-to-video", {"fps": 24}, "fps", "is not taken by this model; leave it out", []),
    (T2V, {"fps": 30}, "fps", "must be 24, not 30", [24]),
    ("veo-3.1", {"enhance_prompt": False}, "enhance_prompt", "must be true, not false", [True]),
    ("longcat-video-text-to-video", {"fps": 60}, "fps", "must be 15 or 30, not 60", [15, 30]),
    (T2V, {"motion": 0.5}, "motion", "is not taken by this model; leave it out", []),
    (T2V, {"enhance_prompt": True}, "enhance_prompt", "must be false, not true", [False]),
    (T2V, {"number_of_outputs": 2}, "number_of_outputs", "must be 1, not 2", [1]),
    (T2V, {"kind": "image"}, "kind", "must be video, not image", ["video"]),
    (
        T2V,
        {"negative_prompt": "blur"},
        "negative_prompt",
        "is not taken by this model; leave it out",
        {"max_characters": 0},
    ),
    (
        T2V,
        {"video_urls": [VIDEO_URL]},
        "video_urls",
        "is not taken by this model; leave it out",
        {"min": 0, "max": 0},
    ),
    ("nano-banana", {"duration_seconds": 5}, "duration_seconds", "is not taken by this model; leave it out", []),
    ("nano-banana", {"output_format": "gif"}, "output_format", "must be png or jpeg, not gif", ["png", "jpeg"]),
]


@pytest.mark.parametrize(("model", "fields", "field", "message", "allowed"), PROBLEMS)
def test_an_unsupported_field_is_a_problem(
    model: str, fields: dict[str, Any], field: str, message: str, allowed: object
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CATALOGUE.order(request(model, **fields))
    assert caught.value.detail == f"{model} cannot do that: {field} {message}"
    assert caught.value.problem()["errors"] == [{"field": field, "message": message, "allowed": allowed}]


@pytest.mark.parametrize("model", [model.name for model in FILE.models if model.capabilities.keeps_video_length])
def test_a_video_billed_by_length_must_be_an_upload_or_a_generation(model: str) -> None:
    with pytest.raises(InvalidRequest, match=r"video_urls\.0 must be an upload \(upload:ID\) or a video of yours"):
        CATALOGUE.order(request(model, video_urls=["https://media.example/unknown.mp4"]))


@pytest.mark.parametrize(
    ("model", "seconds"), [("aleph-2-video-to-video", 1.9), ("kling-3.0-omni-video-to-video", 2.9)]
)
def test_a_video_that_the_vendor_finds_too_short_is_refused_at_once(model: str, seconds: float) -> None:
    url, least = upload_url(UUID(int=1)), round(seconds)
    facts = {url: InputFacts("video/mp4", 1000, duration_seconds=seconds)}
    with pytest.raises(InvalidRequest, match=f"has {seconds} s; the model takes videos of at least {least} s"):
        CATALOGUE.order(request(model, video_urls=[url]), facts)


@pytest.mark.parametrize("model", [model for model in FILE.models if model.capabilities.prompt_unit == "utf16"])
def test_a_limit_in_utf16_counts_an_emoji_as_two(model: Model) -> None:
    plain, most = plainest(model), model.capabilities.prompt_characters
    for prompt in ("a" * most, "\N{DIRECT HIT}" * (most // 2), "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * most):
        assert CATALOGUE.order(plain.model_copy(update={"prompt": prompt}), FACTS).inputs.prompt == prompt
    with pytest.raises(InvalidRequest, match=f"prompt has {most + 2} UTF-16 code units .* at most {most} are allowed"):
        CATALOGUE.order(plain.model_copy(update={"prompt": "\N{DIRECT HIT}" * (most // 2 + 1)}), FACTS)


def test_every_model_of_runway_counts_in_utf16() -> None:
    counting = {model.name for model in FILE.models if model.capabilities.prompt_unit == "utf16"}
    assert counting == {model.name for model in FILE.models if any(r.provider == "runway" for r in model.routes)}


@pytest.mark.parametrize("model", [model.name for model in FILE.models if model.capabilities.keeps_video_length])
@pytest.mark.parametrize(
    ("seconds", "ordered", "message"),
    [
        (5.0, 5, None),
        (5.5, 5, None),
        (3.0, 5, None),
        (5.6, 5, "has 5.6 s: order as many with duration_seconds, not 5"),
        (600.0, 10, "has 600.0 s: order as many with duration_seconds, not 10"),
        (600.0, None, "has 600.0 s: order as many with duration_seconds, not 5"),
        (None, 5, "has no length that was measured: upload it again, as an MP4 or MOV file that plays"),
    ],
)
def test_a_video_billed_by_length_must_not_exceed_the_ordered_duration(
    model: str, seconds: float | None, ordered: int | None, message: str | None
) -> None:
    url = upload_url(UUID(int=1))
    wanted = request(model, video_urls=[url], **({"duration_seconds": ordered} if ordered else {}))
    facts = {url: InputFacts("video/mp4", 1000, duration_seconds=seconds)}
    if message is None:
        assert CATALOGUE.order(wanted, facts).inputs.duration_seconds == ordered
        return
    with pytest.raises(InvalidRequest) as refused:
        CATALOGUE.order(wanted, facts)
    assert refused.value.detail == f"{model} cannot do that: video_urls.0 {message}"


def test_the_error_names_all_problems() -> None:
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


def test_an_unknown_model_suggests_a_similar_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        CATALOGUE.order(request("nano-bananna"))
    assert caught.value.detail.startswith("there is no model 'nano-bananna'; did you mean nano-banana")


def test_an_unknown_model_without_a_similar_name_lists_all() -> None:
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


def test_the_successor_of_a_retired_model_serves_if_allowed() -> None:
    assert CATALOGUE.order(request("sora-2", allow_substitution=True)).model == T2V


def with_paused(successor: str | None) -> Catalogue:
    """The catalogue while Kling 2.6's text to video takes no orders."""
    data = shipped()
    data["retired"] = []
    data["families"] = [family for family in data["families"] if "successor" not in family]
    paused = next(model for model in data["models"] if model["name"] == T2V)
    paused |= {"paused_on": date(2026, 11, 1), "successor": successor}
    return Catalogue(CatalogueFile.model_validate(data), adapter_names())


@pytest.mark.parametrize(
    ("successor", "hint"),
    [(None, ""), ("kling-3.0-text-to-video", "; until it is back, order kling-3.0-text-to-video")],
)
def test_a_paused_model_names_the_date_and_its_successor(successor: str | None, hint: str) -> None:
    with pytest.raises(ModelPaused) as caught:
        with_paused(successor).order(request(T2V))
    assert (caught.value.http_status, caught.value.detail) == (503, f"{T2V} is paused since 2026-11-01{hint}")
    assert caught.value.extra == {"paused_on": "2026-11-01", "successor": successor}
    card = next(card for card in with_paused(successor).models() if card.name == T2V)
    assert (card.status, card.successor) == ("paused", successor)


def test_the_successor_of_a_paused_model_serves_if_allowed() -> None:
    catalogue = with_paused("kling-3.0-text-to-video")
    assert catalogue.order(request(T2V, allow_substitution=True)).model == "kling-3.0-text-to-video"


def test_a_paused_model_without_a_successor_is_refused_whatever_the_request_allows() -> None:
    with pytest.raises(ModelPaused):
        with_paused(None).order(request(T2V, allow_substitution=True))


@pytest.mark.parametrize(
    ("name", "fields", "model"),
    [
        ("kling-9", {}, "kling-3.0-text-to-video"),
        ("kling-9", {"image_urls": [IMAGE_URL]}, "kling-3.0-image-to-video"),
        ("kling-9", {"image_urls": [IMAGE_URL] * 3}, "kling-3.0-omni"),
        ("kling-9", {"video_urls": [VIDEO_URL]}, "kling-3.0-omni-video-to-video"),
        ("kling-9", {"negative_prompt": "blur"}, "kling-2.6-pro-text-to-video"),
        ("runway", {}, "gen-4.5-text-to-video"),
        ("runway-gen3", {"kind": "image"}, "gen-4-image"),
        ("gen4_aleph", {"video_urls": [VIDEO_URL]}, "aleph-2-video-to-video"),
        ("pika", {}, "pika-2.2-text-to-video"),
        ("longcat", {}, "longcat-video-text-to-video"),
        ("longcat", {"image_urls": [IMAGE_URL]}, "longcat-video-image-to-video"),
        ("longcat", {"video_urls": [VIDEO_URL]}, "longcat-video-continuation"),
        ("dall-e-3", {}, "gpt-image-2.5"),
        ("stable-video-diffusion", {"image_urls": [IMAGE_URL]}, "stable-video"),
        ("veo-9", {}, "veo-3-fast"),
        ("veo-9", {"image_urls": [IMAGE_URL] * 3}, "veo-3-fast-reference-to-video"),
        ("kling-9", {"resolution": "4k"}, "kling-3.0-text-to-video"),
        ("sora-3", {}, "openai-compatible-video"),
        ("gemini-omni", {}, "gemini-omni-1.2-flash"),
        ("gemini-omni-flash-preview", {"video_urls": [VIDEO_URL]}, "gemini-omni-1.2-flash"),
        ("openai/sora", {}, "openai-compatible-video"),
    ],
)
def test_a_family_selects_its_first_model_that_can_serve(name: str, fields: dict[str, Any], model: str) -> None:
    assert CATALOGUE.order(request(name, **fields), FACTS).model == model


@pytest.mark.parametrize("model", FILE.models, ids=lambda model: model.name)
def test_the_least_price_of_a_named_model_is_its_price(model: Model) -> None:
    wanted = plainest(model)
    assert CATALOGUE.least_price(wanted) == CATALOGUE.order(wanted, FACTS).credits


@pytest.mark.parametrize("name", ["kling-9", "veo-9", "runway-gen3", "gemini-omni"])
def test_no_model_of_a_family_costs_less_than_the_least_price(name: str) -> None:
    wanted = request(name)
    prices = {CATALOGUE.order(request(name, **fields), FACTS).credits for fields in ({}, {"image_urls": [IMAGE_URL]})}
    assert 0 < CATALOGUE.least_price(wanted) <= min(prices)


def test_the_least_price_of_a_model_that_cannot_be_ordered_is_refused_as_its_order() -> None:
    with pytest.raises(InvalidRequest, match=r"there is no model 'nothing-like-it'"):
        CATALOGUE.least_price(request("nothing-like-it"))


def test_a_family_selects_only_models_with_a_configured_provider() -> None:
    assert Catalogue(FILE, frozenset({"gemini"})).order(request("gemini")).model == "gemini-nano-banana-2.1"
    assert Catalogue(FILE, frozenset({"kie"})).order(request("omni")).model == "gemini-omni-video"


def test_without_a_fitting_model_the_error_describes_the_first() -> None:
    with pytest.raises(InvalidRequest, match=r"kling-3.0-text-to-video cannot do that: duration_seconds must be"):
        CATALOGUE.order(request("kling-9", duration_seconds=100))


def test_a_family_without_a_configured_provider_cannot_be_ordered() -> None:
    catalogue = Catalogue(FILE, frozenset({"kie"}))
    with pytest.raises(InvalidRequest, match=r"no provider that is configured here serves a model like 'pika'"):
        catalogue.order(request("pika"))


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        ({"kind": "image"}, "nano-banana"),
        ({"kind": "image", "resolution": "4K"}, "nano-banana-pro"),
        ({"kind": "video"}, T2V),
        ({"kind": "video", "image_urls": [IMAGE_URL]}, I2V),
    ],
)
def test_without_a_name_the_first_model_of_the_kind_that_can_serve_is_selected(
    fields: dict[str, Any], model: str
) -> None:
    order = CATALOGUE.order(GenerationRequest.model_validate({"prompt": "a boat", **fields}))
    assert order.model == model


def test_without_a_name_and_a_kind_the_models_are_listed() -> None:
    with pytest.raises(InvalidRequest, match=r"name a model, or say which kind") as caught:
        CATALOGUE.order(GenerationRequest(prompt="a boat"))
    assert caught.value.extra["errors"] == [
        {"field": "model", "message": "is missing", "allowed": [model.name for model in FILE.models]}
    ]


def test_the_text_of_a_style_is_added_to_the_prompt() -> None:
    inputs = CATALOGUE.order(request("nano-banana", style="noir")).inputs
    assert inputs.style == "noir"
    assert inputs.prompt == "a boat\n\nStyle: film noir, black and white, hard shadows, high contrast"


def test_an_unknown_style_is_refused_with_the_known_styles() -> None:
    with pytest.raises(InvalidRequest, match=r"style must be photorealistic or .*, not brutalist") as caught:
        CATALOGUE.order(request("nano-banana", style="brutalist"))
    errors = caught.value.extra["errors"]
    assert isinstance(errors, list)
    assert [error["allowed"] for error in errors] == [[style.name for style in FILE.styles]]


def test_a_style_counts_toward_the_prompt_limit() -> None:
    with pytest.raises(InvalidRequest, match=r"prompt has 10[0-9]+ characters; at most 1000 are allowed"):
        CATALOGUE.order(request(T2V, prompt="x" * 990, style="noir"))


def test_a_model_that_ignores_the_prompt_takes_no_style() -> None:
    with pytest.raises(InvalidRequest, match=r"style is not taken by this model"):
        CATALOGUE.order(request("stable-video", image_urls=[IMAGE_URL], style="noir"))
    cards = {card.name: card for card in CATALOGUE.models()}
    assert cards["stable-video"].styles == []
    assert "noir" in cards[T2V].styles


def test_a_model_without_a_configured_provider_is_absent() -> None:
    catalogue = Catalogue.load(frozenset())
    assert [card.name for card in catalogue.models()] == ["sora-2-text-to-video"]
    with pytest.raises(InvalidRequest) as caught:
        catalogue.order(request("nano-banana"))
    assert caught.value.detail == (
        "no provider that is configured here serves the model 'nano-banana'; none can be ordered now"
    )


def test_cards_have_all_fields_except_the_routes() -> None:
    *cards, retired = CATALOGUE.models()
    assert [card.name for card in cards] == [model.name for model in FILE.models]
    for card, model in zip(cards, FILE.models, strict=True):
        assert (card.capabilities, card.defaults, card.price) == (model.capabilities, model.defaults, model.price)
        assert (card.good_for, card.quality, card.speed) == (model.good_for, model.quality, model.speed)
        assert (card.retired_on, card.ends_on, card.successor) == (None, model.ends_on, model.successor)
    assert (str(retired.retired_on), retired.successor, retired.price) == ("2026-09-24", T2V, None)
    assert not {"routes", "costs"} & set(cards[0].model_dump())


def test_customers_read_when_a_model_may_end_and_what_to_order_then() -> None:
    cards = {card.name: card for card in CATALOGUE.models()}
    ending = cards["gemini-omni-1.1-flash"]
    assert (str(ending.ends_on), ending.successor, ending.status) == ("2026-12-03", "gemini-omni-1.2-flash", "active")
    assert ending.description.endswith(
        "The vendor may shut it down from 2026-12-03 on; then order gemini-omni-1.2-flash."
    )
    assert "shut" not in cards["nano-banana"].description


def test_the_default_for_unknown_outcomes_is_fail() -> None:
    data = shipped()
    data["models"][0]["routes"].append({"provider": "kie", "model": "other", "unknown_submit": "resubmit"})
    catalogue = Catalogue(CatalogueFile.model_validate(data), adapter_names())
    first, second = catalogue.order(request("nano-banana")).routes
    assert catalogue.unknown_submit("nano-banana", first) is UnknownSubmit.FAIL
    assert catalogue.unknown_submit("nano-banana", second) is UnknownSubmit.RESUBMIT
    assert catalogue.unknown_submit("nano-banana-pro", second) is UnknownSubmit.FAIL
    assert catalogue.unknown_submit("gone", second) is UnknownSubmit.FAIL


VEO_EXTENDS = next(number for number, model in enumerate(FILE.models) if model.capabilities.extends)

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
    ("neither rewritten nor kept", ["models", 0, "capabilities", "keeps_prompt"], False, "keeps the prompt"),
    ("neither sound nor silence", ["models", 0, "capabilities", "silence"], False, "what makes no sound is silent"),
    ("kind", ["models", 0, "kind"], "video", "a video has durations_seconds"),
    ("images", ["models", 0, "capabilities", "min_images"], 1, "must not be above max_images"),
    (
        "sources",
        ["models", 0, "capabilities", "extends"],
        ["veo-3"],
        "what extends the videos of models continues videos",
    ),
    ("continued", ["models", 0, "capabilities", "continues_video"], True, "what goes on from a video needs one"),
    ("succession", ["families", 0, "successor"], T2V, "a family has `retired_on` and `successor`, or neither"),
    ("alias twice", ["models", 0, "aliases"], ["nano-banana-pro"], "two models answer to the name 'nano-banana-pro'"),
    ("successor", ["retired", 0, "successor"], "nothing", "its successor 'nothing' is not a model that can be"),
    (
        "successor of its own",
        ["models", 0, "successor"],
        "nano-banana-pro",
        "only a model that is paused or ends has a succ",
    ),
    ("no cost", ["models", 0, "costs"], {}, r"costs name the accounts \['kie'\], not \[\]"),
    ("quality", ["models", 0, "quality"], "fine", "'draft', 'standard' or 'high'"),
    ("two lines", ["models", 0, "good_for"], "a\nb", "String should match pattern"),
    ("source", ["models", VEO_EXTENDS, "capabilities", "extends"], ["veo-1"], "no model \\['veo-1'\\] to go on from"),
    ("family", ["families", 0, "models"], ["kling-1"], "there is no model \\['kling-1'\\]"),
    ("pattern", ["families", 0, "patterns"], ["*kling"], "String should match pattern"),
    ("kinds", ["families", 0, "models"], ["nano-banana", T2V], "a family has models of one kind"),
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
def test_every_choice_of_the_catalogue_can_be_ordered(model: Model) -> None:
    shortest = min(model.capabilities.durations_seconds, default=1)
    facts = {**FACTS, VIDEO_URL: InputFacts("video/mp4", 1000, duration_seconds=shortest)}
    for field, values in choices(model).items():
        for choice in values:
            asked = "generate_audio" if field == "audio" else field
            order = CATALOGUE.order(plainest(model).model_copy(update={asked: choice}), facts)
            assert getattr(order.inputs, field) == choice
            assert order.credits > 0
