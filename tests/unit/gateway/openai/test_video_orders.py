"""The fields of a video, and the order that they make."""

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.openai.names import meant
from gateway.openai.video_fields import VideoFields
from gateway.openai.video_ids import generation_of, id_of_video
from gateway.openai.video_orders import VideoOrder, video_order
from schemas.errors import InvalidRequest, NotFound

UPLOAD = "3e41a28d-5bf9-40ce-a038-dc975dda27ad"
PICTURE, LAST = "https://example.com/a.png", "https://example.com/b.png"


def order(**fields: Any) -> VideoOrder:
    return video_order(VideoFields.model_validate({"prompt": "a boat", **fields}))


def settings(**fields: Any) -> dict[str, Any]:
    """The settings of the order beside the prompt, the kind and the model."""
    return order(**fields).request.model_dump(exclude_defaults=True, exclude={"prompt", "kind", "model"})


def test_an_order_without_a_model_is_one_of_openais_usual_model() -> None:
    assert order().request.model == "sora-2"
    assert order(model="veo-3.1").request.model == "veo-3.1"


def test_the_operators_names_stand_for_models_of_the_catalogue() -> None:
    names = {"sora-2": "kling-3.0-video", "any": ""}
    assert meant("sora-2", names) == "kling-3.0-video"
    assert meant("veo-3.1", names) == "veo-3.1"
    assert meant("any", names) is None
    assert meant(None, names) is None


@pytest.mark.parametrize(
    ("fields", "ours"),
    [
        ({"seconds": "4"}, {"duration_seconds": 4}),
        ({"duration": 8}, {"duration_seconds": 8}),
        ({"size": "1280x720"}, {"aspect_ratio": "16:9", "resolution": "720p"}),
        ({"size": "auto", "seconds": "", "seed": None}, {}),
        ({"size": "1280x720", "aspect_ratio": "1:1"}, {"aspect_ratio": "1:1", "resolution": "720p"}),
        ({"generate_audio": "true", "seed": "7"}, {"generate_audio": True, "seed": 7}),
        ({"metadata": {"a": "1"}, "user": "u-1"}, {"metadata": {"user": "u-1", "a": "1"}}),
        ({"input_reference": PICTURE}, {"image_urls": [PICTURE]}),
        ({"input_reference": {"image_url": PICTURE}}, {"image_urls": [PICTURE]}),
        ({"input_reference": {"type": "image_url", "image_url": {"url": PICTURE}}}, {"image_urls": [PICTURE]}),
        ({"input_reference": {"file_id": UPLOAD}}, {"image_urls": [f"upload:{UPLOAD}"]}),
        ({"input_reference": UPLOAD}, {"image_urls": [f"upload:{UPLOAD}"]}),
        ({"input_references": [PICTURE, {"image_url": {"url": LAST}}]}, {"image_urls": [PICTURE, LAST]}),
        (
            {"frame_images": [{"image_url": {"url": LAST}, "frame_type": "last_frame"}, {"image_url": PICTURE}]},
            {"image_urls": [PICTURE, LAST]},
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_each_field_of_the_dialect_is_a_setting_of_ours(fields: dict[str, Any], ours: dict[str, Any]) -> None:
    assert settings(**fields) == ours


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"seconds": 4, "duration": 8}, "duration"),
        ({"input_reference": PICTURE, "frame_images": [{"image_url": LAST}]}, "frame_images"),
        ({"frame_images": [{"image_url": LAST, "frame_type": "last_frame"}]}, "frame_images"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        order(**fields)
    assert str(refused.value.detail).startswith(f"{field}: ")


@pytest.mark.parametrize(
    "fields",
    [
        {"input_reference": {"image_url": PICTURE, "file_id": UPLOAD}},
        {"input_reference": {"file_id": "file-abc"}},
        {"input_reference": 7},
        {"size": "large"},
        {"seconds": "four"},
        {"prompt": ""},
        {"n": 2},
    ],
    ids=str,
)
def test_a_wrong_value_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        order(**fields)


def test_a_quality_that_is_not_used_is_told() -> None:
    assert [change.field for change in order(quality="high").ignored] == ["quality"]
    assert not order(quality="auto").ignored


def test_the_names_of_pictures_are_those_of_the_request() -> None:
    names = order(frame_images=[{"image_url": LAST, "frame_type": "last_frame"}, {"image_url": PICTURE}]).names
    assert (names["image_urls.0"], names["image_urls.1"]) == ("frame_images.1", "frame_images.0")


def test_an_id_is_short_and_the_uuid_is_taken_too() -> None:
    generation_id = generation_of(UPLOAD)
    assert id_of_video(generation_id) == f"video_{generation_id.hex}"
    assert generation_of(id_of_video(generation_id)) == generation_of(f"video_{UPLOAD}") == generation_id
    with pytest.raises(NotFound):
        generation_of("video_1")
