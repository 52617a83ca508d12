from pathlib import Path

import pytest
from pydantic import JsonValue

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.task import JsonObject
from sandbox.vendors.kling.errors import KlingError
from sandbox.vendors.kling.models import read_create

TEXT, IMAGE = "text-to-video/kling-3.0", "image-to-video/kling-3.0"
FIRST, LAST = "https://images.example/a%20b.png?signature=x/y", "https://images.example/last.png"
FRAME: JsonValue = {"type": "first_frame", "url": FIRST}
WORDS: JsonValue = {"type": "prompt", "text": "a boat"}


def spec(settings: JsonObject) -> MediaSpec:
    return read_create(TEXT, {"prompt": "a boat", "settings": settings}).spec(None)


def source(width: int, height: int) -> SourceImage:
    return SourceImage(Path("source"), width, height)


def refusal(model: str, body: JsonObject) -> tuple[int, str]:
    with pytest.raises(KlingError) as caught:
        read_create(model, body)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("resolution", "ratio", "size"),
    [
        ("720p", "16:9", (1280, 720)),
        ("720p", "1:1", (960, 960)),
        ("1080p", "16:9", (1920, 1080)),
        ("1080p", "9:16", (1080, 1920)),
        ("4k", "16:9", (3840, 2160)),
    ],
)
def test_each_resolution_and_shape_has_a_size(resolution: str, ratio: str, size: tuple[int, int]) -> None:
    settings: JsonObject = {"resolution": resolution, "aspect_ratio": ratio, "duration": 7, "audio": "native"}
    assert spec(settings) == MediaSpec(
        format="mp4", width=size[0], height=size[1], duration_seconds=7, frame_rate=24, sound=True
    )


@pytest.mark.parametrize(("image", "size"), [((1000, 600), (1280, 720)), ((600, 1500), (720, 1280))])
def test_a_picture_gives_the_nearest_shape(image: tuple[int, int], size: tuple[int, int]) -> None:
    made = read_create(IMAGE, {"contents": [WORDS, FRAME]}).spec(source(*image))
    assert (made.width, made.height, made.sound) == (*size, False)


@pytest.mark.parametrize(("width", "height"), [(299, 400), (400, 299), (751, 300), (300, 751)])
def test_a_picture_that_is_too_small_or_too_long_is_refused(width: int, height: int) -> None:
    create = read_create(IMAGE, {"contents": [FRAME]})
    with pytest.raises(KlingError, match="1201"):
        create.spec(source(width, height))


def test_picture_urls_stay_as_they_came_the_first_frame_first() -> None:
    create = read_create(IMAGE, {"contents": [{"type": "last_frame", "url": LAST}, FRAME]})
    assert create.image_sources() == (FIRST, LAST)


@pytest.mark.parametrize(
    ("settings", "units"),
    [
        ({}, 3),
        ({"resolution": "1080p", "duration": 10}, 12),
        ({"duration": 3, "audio": "native"}, 3.6),
    ],
)
def test_units(settings: JsonObject, units: float) -> None:
    assert read_create(TEXT, {"prompt": "a boat", "settings": settings}).units == units


@pytest.mark.parametrize("model", ["text-to-video/kling-1.6", "kling-3.0", "v1/videos", "image-to-video/KLING-3.0"])
def test_an_unknown_path_is_1203(model: str) -> None:
    assert refusal(model, {"prompt": "a boat"})[0] == 1203


@pytest.mark.parametrize(
    ("model", "body", "text"),
    [
        (TEXT, {}, "prompt: Field required"),
        (TEXT, {"prompt": ""}, "prompt: String should have at least 1 character"),
        (TEXT, {"prompt": "x" * 3073}, "prompt: String should have at most 3072 characters"),
        (TEXT, {"prompt": "x", "model_name": "kling-v3"}, "model_name: Extra inputs are not permitted"),
        (TEXT, {"prompt": "x", "settings": {"duration": "5"}}, "settings.duration: Input should be a valid integer"),
        (TEXT, {"prompt": "x", "settings": {"duration": 2}}, "settings.duration: Input should be greater than"),
        (TEXT, {"prompt": "x", "settings": {"duration": 16}}, "settings.duration: Input should be less than"),
        (TEXT, {"prompt": "x", "settings": {"audio": True}}, "settings.audio: Input should be 'native' or 'off'"),
        (TEXT, {"prompt": "x", "settings": {"resolution": "720P"}}, "settings.resolution: Input should be '720p', "),
        (TEXT, {"prompt": "x", "settings": {"aspect_ratio": "4:3"}}, "settings.aspect_ratio: Input should be "),
        (TEXT, {"prompt": "x", "settings": {"sound": True}}, "settings.sound: Extra inputs are not permitted"),
        (TEXT, {"prompt": "x", "options": {"callback_url": "gw.example"}}, "options.callback_url: Value error, "),
        (TEXT, {"prompt": "x", "options": {"external_task_id": ""}}, "options.external_task_id: String should have "),
        (TEXT, {"prompt": "x", "contents": [WORDS]}, "contents: Extra inputs are not permitted"),
        (IMAGE, {"prompt": "x"}, "contents: Field required"),
        (IMAGE, {"contents": [WORDS]}, ": Value error, a first_frame is missing"),
        (IMAGE, {"contents": [FRAME, FRAME]}, ": Value error, each type may be given once"),
        (IMAGE, {"contents": [{"type": "frame", "url": "https://x.example"}]}, "contents.0: Input tag 'frame' found"),
        (IMAGE, {"contents": [{"type": "first_frame", "url": "file:///etc/passwd"}]}, "contents.0.first_frame.url: "),
        (IMAGE, {"contents": [FRAME], "settings": {"aspect_ratio": "1:1"}}, "settings.aspect_ratio: Extra inputs are "),
    ],
)
def test_a_wrong_body_is_1201_in_words_that_help(model: str, body: JsonObject, text: str) -> None:
    code, message = refusal(model, body)
    assert code == 1201
    assert message.startswith(text)
