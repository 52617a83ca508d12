"""Our adapters' requests against the request types of the vendors' clients, for everything that can be ordered."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product

import pytest
from openai.types import VideoCreateParams, VideoSeconds, VideoSize
from pydantic import TypeAdapter, ValidationError
from replicate.prediction import Predictions
from runwayml.types import (
    ImageToVideoCreateParams,
    TextToImageCreateParams,
    TextToVideoCreateParams,
    VideoToVideoCreateParams,
)

from providers.adapters.openai_videos.wire import SIZES, to_form
from providers.adapters.runway.forms import FORMS, to_body, to_path
from providers.catalogue import Catalogue, CatalogueFile
from schemas.inputs import InputFacts
from schemas.orders import GenerationRequest, Order
from tests.sdks.request_types import wire_type

RUNWAY_TYPES = {
    "/v1/text_to_video": TextToVideoCreateParams,
    "/v1/image_to_video": ImageToVideoCreateParams,
    "/v1/text_to_image": TextToImageCreateParams,
    "/v1/video_to_video": VideoToVideoCreateParams,
}
PICTURE = "https://pictures.example/first.png"
VIDEO = "https://pictures.example/first.mp4"


@cache
def runway_type(path: str) -> TypeAdapter[object]:
    return wire_type(RUNWAY_TYPES[path])


def orders(provider: str) -> Iterator[Order]:
    """Every combination of settings that the catalogue allows for this vendor's models, of the ends of the lengths."""
    catalogue = Catalogue.load(frozenset({provider}))
    models = CatalogueFile.shipped().models
    served = (model for model in models if any(route.provider == provider for route in model.routes))
    for can, name in ((model.capabilities, model.name) for model in served):
        fields: dict[str, Sequence[object]] = {
            "aspect_ratio": can.aspect_ratios,
            "resolution": can.resolutions,
            "duration_seconds": sorted({*can.durations_seconds[:1], *can.durations_seconds[-1:]}),
            "output_format": can.output_formats,
            "audio": can.audio_choices if can.audio else [],
            "seed": [] if can.max_seed is None else [None, can.max_seed],
            "negative_prompt": [None, "blur"] if can.negative_prompt_characters else [],
            "image_urls": [[PICTURE] * count for count in range(can.min_images, can.max_images + 1)],
            "video_urls": [[VIDEO] * count for count in range(can.min_videos, can.max_videos + 1)],
        }
        for values in product(*(choices or [None] for choices in fields.values())):
            chosen = dict(zip(fields, values, strict=True))
            if can.keeps_image_shape and chosen["image_urls"]:
                del chosen["aspect_ratio"]
            request = GenerationRequest.model_validate({"model": name, "prompt": "a boat", **chosen})
            yield catalogue.order(request, {VIDEO: InputFacts("video/mp4", 1000, duration_seconds=2)})


def test_every_form_matches_openais_type() -> None:
    forms = [to_form(order.routes[0].model, order.inputs) for order in orders("openai_videos")]
    assert len(forms) == len({tuple(form.values()) for form in forms}) > 1
    for form in forms:
        wire_type(VideoCreateParams).validate_python(form)


def test_every_body_matches_runways_types() -> None:
    served = set()
    for order in orders("runway"):
        model = order.routes[0].model
        served.add(model)
        runway_type(to_path(model, order.inputs)).validate_python(to_body(model, order.inputs))
    assert served == set(FORMS)


def test_webhook_fields_match_replicates_type() -> None:
    asked = {"webhook": "https://us.example/callbacks", "webhook_events_filter": ["completed"]}
    wire_type(Predictions.CreatePredictionParams).validate_python(asked)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"prompt_text": "a boat"}, "prompt_text"),
        ({"promptTexts": "a boat"}, "promptTexts"),
        ({"promptText": None}, "promptText"),
        ({"ratio": "16:9"}, "ratio"),
        ({"duration": "5"}, "duration"),
        ({"promptImage": [{"uri": "https://pictures.example/1.png", "place": "first"}]}, "place"),
        ({"promptImage": [{"uri": "https://pictures.example/1.png", "position": "middle"}]}, "position"),
    ],
)
def test_misspelt_or_unknown_field_is_refused(change: dict[str, object], field: str) -> None:
    (order, *_) = (order for order in orders("runway") if order.routes[0].model == "image_to_video/gen4.5")
    body = {**to_body("image_to_video/gen4.5", order.inputs), **change}
    with pytest.raises(ValidationError) as refused:
        runway_type("/v1/image_to_video").validate_python(body)
    assert any(field in problem["loc"] for problem in refused.value.errors())


def test_missing_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        wire_type(VideoCreateParams).validate_python({"model": "sora-2"})


def test_openais_type_has_every_size_of_the_catalogue() -> None:
    sizes, seconds = TypeAdapter(VideoSize), TypeAdapter(VideoSeconds)
    for order in orders("openai_videos"):
        form = to_form(order.routes[0].model, order.inputs)
        sizes.validate_python(form["size"])
        seconds.validate_python(form["seconds"])
    # Gateways may serve more. No model of the catalogue offers this size.
    beyond = {size for size in SIZES.values() if not _is_known(sizes, size)}
    assert beyond == {"1920x1080", "1080x1920"}


def _is_known(type_: TypeAdapter[VideoSize], text: str) -> bool:
    try:
        type_.validate_python(text)
    except ValidationError:
        return False
    return True
