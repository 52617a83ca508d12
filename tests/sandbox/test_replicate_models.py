import pytest

from sandbox.media import MediaSpec
from sandbox.task import JsonObject
from sandbox.vendors.replicate.errors import ReplicateError
from sandbox.vendors.replicate.models import read_input
from tests.sandbox.harness import FLUX, SEEDANCE


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"output_format": "png"}, MediaSpec(format="png", width=1024, height=1024)),
        ({"output_format": "jpg", "aspect_ratio": "9:21"}, MediaSpec(format="jpg", width=640, height=1536)),
    ],
)
def test_picture_has_the_requested_shape(fields: JsonObject, expected: MediaSpec) -> None:
    assert read_input(FLUX, {"prompt": "a boat", **fields}).spec(None) == expected


@pytest.mark.parametrize(
    ("fields", "size", "seconds"),
    [
        ({}, (1920, 1088), 5),
        ({"aspect_ratio": "9:16", "resolution": "480p", "duration": 10}, (480, 864), 10),
        ({"aspect_ratio": "9:21", "resolution": "720p"}, (640, 1504), 5),
        ({"aspect_ratio": "1:1"}, (1440, 1440), 5),
    ],
)
def test_video_is_silent(fields: JsonObject, size: tuple[int, int], seconds: int) -> None:
    assert read_input(SEEDANCE, {"prompt": "a boat", **fields}).spec(None) == MediaSpec(
        format="mp4", width=size[0], height=size[1], duration_seconds=seconds, frame_rate=24, sound=False
    )


@pytest.mark.parametrize(
    ("model", "fields", "code", "text"),
    [
        ("black-forest-labs/flux-pro", {"prompt": "x"}, 404, "There is no model black-forest-labs/flux-pro; known are"),
        (FLUX, {"output_format": "png"}, 422, "input.prompt: Field required"),
        (FLUX, {"prompt": "", "output_format": "png"}, 422, "input.prompt: String should have at least 1 character"),
        (FLUX, {"prompt": "x"}, 422, "input.output_format: Field required"),
        (FLUX, {"prompt": "x", "output_format": "jpeg"}, 422, "input.output_format: Input should be 'jpg' or 'png'"),
        (FLUX, {"prompt": "x", "output_format": "png", "size": "1K"}, 422, "input.size: Extra inputs are not"),
        (SEEDANCE, {"prompt": "x", "duration": "5"}, 422, "input.duration: Input should be a valid integer"),
        (SEEDANCE, {"prompt": "x", "duration": 13}, 422, "input.duration: Input should be less than or equal to 12"),
        (SEEDANCE, {"prompt": "x", "resolution": "4K"}, 422, "input.resolution: Input should be '480p', '720p' or"),
        (SEEDANCE, {"prompt": "x", "output_format": "png"}, 422, "input.output_format: Extra inputs are not"),
    ],
)
def test_wrong_input_is_refused_with_a_helpful_text(model: str, fields: JsonObject, code: int, text: str) -> None:
    with pytest.raises(ReplicateError) as refusal:
        read_input(model, fields)
    assert refusal.value.code == code
    assert refusal.value.detail.startswith(text)
