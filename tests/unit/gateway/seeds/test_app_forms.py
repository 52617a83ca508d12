from typing import Any

import pytest
from pydantic import ValidationError

from gateway.seeds.app_errors import PromptTooShort
from gateway.seeds.app_forms import VideoRequest
from schemas.enums import Kind

PROMPT = "A paper boat at sea"


def order(**fields: Any) -> dict[str, Any]:
    """The fields of the order that a request sets."""
    request = VideoRequest.model_validate({"prompt": PROMPT, **fields})
    return request.as_order().model_dump(exclude_defaults=True)


def test_every_field_of_a_page_becomes_a_field_of_the_order() -> None:
    found = order(
        duration=5,
        aspectRatio="4:5",
        frameRate=24,
        resolution="720p",
        style="motion-graphics",
        motionIntensity="high",
        seed=7,
        provider="runway",
        reference="k123",
    )

    assert found == {
        "kind": Kind.VIDEO,
        "model": "runway",
        "prompt": PROMPT,
        "duration_seconds": 5,
        "aspect_ratio": "4:5",
        "fps": 24,
        "resolution": "720p",
        "style": "motion-graphics",
        "motion": 0.75,
        "seed": 7,
        "reference": "k123",
        "deadline_seconds": 300,
    }


def test_a_prompt_alone_asks_for_no_setting_of_any_model_within_five_minutes() -> None:
    wanted = {"kind": Kind.VIDEO, "prompt": PROMPT, "deadline_seconds": 300}
    assert order() == wanted
    assert order(duration=None, aspectRatio=None, frameRate=None, style=None, seed=None, userId="u1") == wanted


@pytest.mark.parametrize("value", [3, 10])
def test_shortest_and_longest_duration_are_accepted(value: int) -> None:
    assert order(duration=value)["duration_seconds"] == value


@pytest.mark.parametrize(
    ("field", "value", "ours", "taken"),
    [
        *[("frameRate", rate, "fps", rate) for rate in (24, 30, 60)],
        *[("aspectRatio", shape, "aspect_ratio", shape) for shape in ("16:9", "9:16", "1:1", "4:5")],
        *[("resolution", size, "resolution", size) for size in ("720p", "1080p", "4k")],
        *[("provider", word, "model", word) for word in ("runway", "pika", "stable-video")],
        *[("style", word, "style", word) for word in ("cartoon", "anime", "motion-graphics")],
        ("style", "realistic", "style", "photorealistic"),
        ("style", "3d", "style", "3d-animation"),
        ("motionIntensity", "low", "motion", 0.25),
        ("motionIntensity", "medium", "motion", 0.5),
        ("motionIntensity", "high", "motion", 0.75),
        ("frame_rate", 24, "fps", 24),
        ("imageUrl", "https://example.com/a.png", "image_urls", ["https://example.com/a.png"]),
        ("model", "kling", "model", "kling"),
        *[(name, "5", "duration_seconds", 5) for name in ("duration", "nFrames", "n_frames")],
        *[(name, "portrait", "aspect_ratio", "9:16") for name in ("aspectRatio", "aspect_ratio", "image_size")],
        ("aspectRatio", "landscape", "aspect_ratio", "16:9"),
        ("image_size", "square", "aspect_ratio", "1:1"),
    ],
)
def test_every_word_of_the_form_is_accepted(field: str, value: object, ours: str, taken: object) -> None:
    assert order(**{field: value})[ours] == taken


@pytest.mark.parametrize("prompt", [None, "", "too short", " " * 10])
def test_a_prompt_of_fewer_than_ten_characters_is_too_short(prompt: str | None) -> None:
    request = VideoRequest.model_validate({} if prompt is None else {"prompt": prompt})
    with pytest.raises(PromptTooShort) as refused:
        request.as_order()
    assert refused.value.extra["errors"] == [{"field": "prompt", "message": "must have at least 10 characters"}]


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": "x" * 501},
        {"duration": 2},
        {"duration": 11},
        {"duration": 5.5},
        {"duration": True},
        {"frameRate": 25},
        {"aspectRatio": "21:9"},
        {"resolution": "8k"},
        {"motionIntensity": "extreme"},
        {"provider": "luma"},
        {"seed": -1},
        {"imageUrl": "ftp://example.com/a.png"},
    ],
)
def test_another_value_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        order(**wrong)


@pytest.mark.parametrize("length", [10, 500])
def test_shortest_and_longest_prompt_are_accepted(length: int) -> None:
    assert order(prompt="x" * length)["prompt"] == "x" * length
