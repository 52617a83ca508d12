"""Words of other APIs mean values of ours at every door."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from intake.redis.arguments import EnqueueArguments
from providers.catalogue import Catalogue, CatalogueFile
from providers.registry import adapter_names
from schemas.batches import BatchRequest
from schemas.orders import GenerationRequest

WORDS: list[tuple[dict[str, Any], str, object]] = [
    ({"aspect_ratio": "landscape"}, "aspect_ratio", "16:9"),
    ({"aspect_ratio": "portrait"}, "aspect_ratio", "9:16"),
    ({"aspect_ratio": "square"}, "aspect_ratio", "1:1"),
    ({"motion": "low"}, "motion", 0.25),
    ({"motion": "medium"}, "motion", 0.5),
    ({"motion": "high"}, "motion", 0.75),
    ({"style": "realistic"}, "style", "photorealistic"),
    ({"style": "3d"}, "style", "3d-animation"),
    ({"output_format": "jpg"}, "output_format", "jpeg"),
    ({"aspect_ratio": "Landscape"}, "aspect_ratio", "16:9"),
    ({"image_size": "1:1"}, "aspect_ratio", "1:1"),
    ({"image_size": "portrait"}, "aspect_ratio", "9:16"),
    ({"nFrames": "5"}, "duration_seconds", 5),
    ({"n_frames": "10"}, "duration_seconds", 10),
    ({"duration_seconds": 5}, "duration_seconds", 5),
    ({"style": "motion-graphics"}, "style", "motion-graphics"),
    ({"motion": 0.3}, "motion", 0.3),
]


@pytest.mark.parametrize(("fields", "field", "value"), WORDS, ids=[str(row[0]) for row in WORDS])
def test_a_word_means_a_value_at_every_door(fields: dict[str, Any], field: str, value: object) -> None:
    order = {"model": "nano-banana", "prompt": "a boat"}
    body = {**order, **fields}
    request = GenerationRequest.model_validate(body)
    redis = EnqueueArguments.model_validate({"customer_id": UUID(int=1), "request": body}).request
    batch = BatchRequest.model_validate({"requests": [body]}).parts()[0].request
    template = BatchRequest.model_validate({"request": body}).parts()[0].request
    assert [getattr(one, field) for one in (request, redis, batch, template)] == [value] * 4
    assert request == GenerationRequest.model_validate({**order, field: value})


@pytest.mark.parametrize("style", ["realistic", "cartoon", "anime", "motion-graphics", "3d"])
def test_every_style_of_other_apis_is_one_of_ours(style: str) -> None:
    request = GenerationRequest(model="nano-banana", prompt="a boat", style=style)
    order = Catalogue(CatalogueFile.shipped(), adapter_names()).order(request)
    assert "Style: " in order.inputs.prompt


def test_two_names_of_one_field_are_refused() -> None:
    with pytest.raises(ValidationError, match="n_frames"):
        GenerationRequest.model_validate({"prompt": "a boat", "duration_seconds": 5, "n_frames": "5"})
