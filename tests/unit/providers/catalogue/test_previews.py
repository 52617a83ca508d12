"""Previews: which model makes the picture, which one makes the video from it, and who gets none."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.lint import notices
from providers.catalogue.models import Model
from providers.registry import adapter_names
from schemas.enums import Kind
from schemas.errors import InvalidRequest
from schemas.orders import GenerationRequest
from tests.unit.providers.catalogue.test_catalogue import shipped

FILE = CatalogueFile.shipped()
EVERYWHERE = Catalogue(FILE, adapter_names())
AT_KIE = Catalogue(FILE, frozenset({"kie"}))
T2V, I2V = "kling-2.6-text-to-video", "kling-2.6-image-to-video"
FRAME = "One still picture: the first frame of this video."


def request(model: str | None = T2V, **fields: Any) -> GenerationRequest:
    return GenerationRequest.model_validate({"model": model, "prompt": "a boat", "preview": True, **fields})


def problems(catalogue: Catalogue, wanted: GenerationRequest) -> Mapping[str, str]:
    with pytest.raises(InvalidRequest) as raised:
        catalogue.order(wanted)
    found: Any = raised.value.extra["errors"]
    return {each["field"]: each["message"] for each in found}


def test_preview_is_a_cheap_picture_of_the_videos_shape_and_names_its_video() -> None:
    order = AT_KIE.order(request(aspect_ratio="9:16", style="noir", duration_seconds=10, generate_audio=True))

    assert (order.kind, order.model, order.credits, order.requested_model) == (Kind.IMAGE, "nano-banana", 4, T2V)
    assert order.inputs.prompt.startswith("a boat\n\nStyle: film noir")
    assert order.inputs.prompt.endswith(f"\n\n{FRAME}")
    assert (order.inputs.aspect_ratio, order.inputs.duration_seconds, order.inputs.audio) == ("9:16", None, None)
    video = order.preview_of
    assert video is not None
    assert (video.model, video.credits) == (I2V, 280)
    assert (video.inputs.duration_seconds, video.inputs.audio, video.inputs.aspect_ratio) == (10, True, None)
    assert (video.inputs.image_urls, FRAME in video.inputs.prompt) == ([], False)


@pytest.mark.parametrize("catalogue", [EVERYWHERE, AT_KIE])
@pytest.mark.parametrize("name", [T2V, "kling-9", None])
def test_least_price_of_a_preview_is_that_of_a_picture(catalogue: Catalogue, name: str | None) -> None:
    wanted = request(name, kind=Kind.VIDEO)
    assert 0 < catalogue.least_price(wanted) <= catalogue.order(wanted).credits


def test_video_costs_what_its_order_with_a_picture_costs() -> None:
    planned = EVERYWHERE.order(request("veo-3", aspect_ratio="9:16", resolution="1080p")).preview_of
    picture = ["https://media.example/1.png"]
    order = EVERYWHERE.order(
        request("veo-3", preview=False, image_urls=picture, aspect_ratio="9:16", resolution="1080p")
    )
    assert planned is not None
    assert (planned.credits, planned.model) == (order.credits, "veo-3")
    assert planned.inputs == order.inputs.model_copy(update={"image_urls": []})


@pytest.mark.parametrize(
    "model", [model for model in FILE.models if model.kind is Kind.VIDEO], ids=lambda one: one.name
)
def test_card_of_a_model_says_whether_it_has_previews(model: Model) -> None:
    card = EVERYWHERE.card(model.name)
    assert card is not None
    if card.image_to_video is None:
        assert "preview" in problems(EVERYWHERE, request(model.name))
    else:
        made = EVERYWHERE.order(request(model.name)).preview_of
        assert made is not None
        assert made.model == card.image_to_video


def test_seed_goes_to_the_video_and_to_a_picture_that_takes_one() -> None:
    order = EVERYWHERE.order(request("pika-2.2-text-to-video", seed=7, negative_prompt="fog"))
    assert order.preview_of is not None
    assert (order.inputs.seed, order.preview_of.inputs.seed) == (7, 7)
    assert (order.inputs.negative_prompt, order.preview_of.inputs.negative_prompt) == (None, "fog")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("nano-banana", "is for videos, and nano-banana makes images: leave it out"),
        ("seedance-1-pro", "needs an image-to-video sibling, and seedance-1-pro has none here"),
        (I2V, f"makes the picture that {I2V} needs: order it with {T2V}"),
        ("veo-3-fast-extend", "needs an image-to-video sibling, and veo-3-fast-extend has none here"),
    ],
)
def test_model_without_previews_is_refused_with_the_reason(model: str, message: str) -> None:
    assert problems(EVERYWHERE, request(model)) == {"preview": message}


def test_installation_without_a_model_of_pictures_has_no_previews() -> None:
    catalogue = Catalogue(FILE, frozenset({"kling"}))
    card = catalogue.card(T2V)
    assert card is not None
    assert card.image_to_video is None
    assert "is not possible here" in problems(catalogue, request())["preview"]
    assert catalogue.least_price(request()) == 0


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"aspect_ratio": "21:9"}, "aspect_ratio"),
        ({"duration_seconds": 7}, "duration_seconds"),
        ({"kind": "image"}, "kind"),
        # The model of the text takes 3072 characters, and its sibling 2500.
        ({"model": "kling-3.0-text-to-video", "prompt": "b" * 3000}, "prompt"),
        # The sibling takes no frame rate.
        ({"model": "longcat-video-text-to-video", "fps": 15}, "fps"),
    ],
)
def test_setting_that_the_video_cannot_have_is_refused_before_the_preview(fields: dict[str, Any], field: str) -> None:
    assert list(problems(EVERYWHERE, request(**fields))) == [field]


def test_prompt_that_no_model_of_pictures_takes_is_refused() -> None:
    catalogue = Catalogue(FILE, frozenset({"kie", "replicate"}))
    assert catalogue.order(request("seedance-2.0", prompt="b" * 19_000)).model == "nano-banana-2-lite"
    wrong = problems(Catalogue(FILE, frozenset({"kie", "replicate"})), request("seedance-2.0", prompt="b" * 19_990))
    assert list(wrong) == ["prompt"]


def test_family_and_kind_stand_for_the_first_model_with_previews() -> None:
    assert AT_KIE.order(request("kling")).preview_of is not None
    by_kind = EVERYWHERE.order(request(None, kind="video"))
    assert by_kind.preview_of is not None
    assert by_kind.preview_of.model == I2V


def test_only_a_video_from_text_alone_has_a_preview() -> None:
    with pytest.raises(ValidationError, match="leave out image_urls and video_urls"):
        request("veo-3", image_urls=["https://media.example/1.png"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": ["nano-banan"]}, r"there is no model \['nano-banan'\]"),
        ({"models": ["nano-banana-edit"]}, "nano-banana-edit makes no picture from text alone"),
        ({"models": [T2V]}, f"{T2V} makes no picture from text alone"),
        ({"siblings": {T2V: T2V}}, f"{T2V} makes no video from one picture"),
        ({"siblings": {T2V: "nano-banana-2"}}, "nano-banana-2 makes no video from one picture"),
        ({"siblings": {I2V: I2V}}, "name models that make videos from text alone"),
        ({"without": [T2V]}, "have a sibling, and are listed without one"),
    ],
)
def test_contradictions_of_the_file_are_found(changes: dict[str, Any], message: str) -> None:
    table = shipped()
    table["previews"] = {**table["previews"], **changes}
    with pytest.raises(ValidationError, match=message):
        CatalogueFile.model_validate(table)


def about_previews(table: dict[str, Any]) -> dict[str, str]:
    file = CatalogueFile.model_validate(table)
    found = [notice for notice in notices(file, date(2026, 11, 28)) if notice.message.startswith("previews: ")]
    return {notice.model: notice.message for notice in found}


def test_lint_finds_nothing_about_previews_in_the_catalogue() -> None:
    assert about_previews(shipped()) == {}


def test_lint_names_a_model_for_which_nobody_decided() -> None:
    table = shipped()
    del table["previews"]["siblings"][T2V]
    table["previews"]["without"].remove("seedance-1-pro")
    assert list(about_previews(table)) == [T2V, "seedance-1-pro"]


def test_lint_names_a_shape_that_no_picture_has_and_a_preview_as_dear_as_its_video() -> None:
    table = shipped()
    table["previews"]["models"].remove("recraft-4.1-flash")
    assert about_previews(table) == {"flux-3": "previews: no model makes a picture with 2:1"}
    dear = CatalogueFile.model_validate(table)
    models = [_priced(model, 100) if model.name == "nano-banana" else model for model in dear.models]
    told = notices(dear.model_copy(update={"models": models}), date(2026, 11, 28))
    assert any("a picture may cost 100 credits, and the video costs 70" in notice.message for notice in told)


def _priced(model: Model, amount: int) -> Model:
    return model.model_copy(update={"price": model.price.model_copy(update={"credits": Decimal(amount)})})
