from pathlib import Path

import pytest
from pydantic import JsonValue

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.task import JsonObject
from sandbox.vendors.kling.errors import KlingError
from sandbox.vendors.kling.models import read_create
from sandbox.videos import SourceVideo

TEXT, IMAGE, OMNI = "text-to-video/kling-3.0", "image-to-video/kling-3.0", "omni-video/kling-3.0-omni"
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
def test_picture_gives_the_nearest_shape(image: tuple[int, int], size: tuple[int, int]) -> None:
    made = read_create(IMAGE, {"contents": [WORDS, FRAME]}).spec(source(*image))
    assert (made.width, made.height, made.sound) == (*size, False)


@pytest.mark.parametrize(("width", "height"), [(299, 400), (400, 299), (751, 300), (300, 751)])
def test_too_small_or_elongated_picture_is_refused(width: int, height: int) -> None:
    create = read_create(IMAGE, {"contents": [FRAME]})
    with pytest.raises(KlingError, match="1201"):
        create.spec(source(width, height))


def test_picture_urls_keep_their_spelling_with_the_first_frame_first() -> None:
    create = read_create(IMAGE, {"contents": [{"type": "last_frame", "url": LAST}, FRAME]})
    assert create.image_sources() == (FIRST, LAST)


@pytest.mark.parametrize(
    ("settings", "units"),
    [
        ({}, 3),
        ({"resolution": "1080p", "duration": 10}, 8),
        ({"duration": 3, "audio": "native"}, 2.7),
    ],
)
def test_price_of_version_3(settings: JsonObject, units: float) -> None:
    assert read_create(TEXT, {"prompt": "a boat", "settings": settings}).units == units


@pytest.mark.parametrize(
    ("model", "settings", "units"),
    [
        ("kling-3.0-turbo", {"resolution": "1080p"}, 5),
        ("kling-2.6", {"resolution": "1080p", "audio": "native"}, 5),
        ("kling-2.5-turbo", {"duration": 10}, 3),
    ],
)
def test_prices_of_other_versions(model: str, settings: JsonObject, units: float) -> None:
    assert read_create(f"text-to-video/{model}", {"prompt": "a boat", "settings": settings}).units == units


def reference(type_: str, **fields: JsonValue) -> JsonValue:
    return {"type": type_, "url": FIRST, **fields}


def test_omni_edits_a_video_and_keeps_its_length_and_shape() -> None:
    contents: list[JsonValue] = [WORDS, reference("base_video", id="video_1"), reference("refer_image")]
    settings: JsonObject = {"resolution": "1080p", "audio": "original", "multi_shot": False}
    create = read_create(OMNI, {"contents": contents, "settings": settings})
    made = create.spec(source(400, 400), SourceVideo(700, 1300, 4.5))
    assert (made.width, made.height, made.duration_seconds, made.sound) == (1080, 1920, 4.5, True)
    assert (create.image_sources(), create.video_source()) == ((FIRST,), FIRST)


def test_omni_uses_a_feature_of_a_video_in_a_new_video() -> None:
    create = read_create(OMNI, {"contents": [WORDS, reference("feature_video")], "settings": {"duration": 7}})
    assert create.spec(None, SourceVideo(700, 700, 4.5)).duration_seconds == 7


@pytest.mark.parametrize("seconds", [2.9, 15.6])
def test_too_short_or_long_video_is_refused(seconds: float) -> None:
    create = read_create(OMNI, {"contents": [WORDS, reference("base_video")]})
    with pytest.raises(KlingError, match="1201"):
        create.spec(None, SourceVideo(1280, 720, seconds))


@pytest.mark.parametrize(
    ("contents", "settings", "text"),
    [
        ([reference("first_frame")], {}, "a prompt is missing"),
        ([WORDS, reference("first_frame"), reference("first_frame")], {}, "each frame may be given once"),
        ([WORDS, reference("last_frame")], {}, "a last_frame needs a first_frame"),
        ([WORDS, reference("base_video"), reference("feature_video")], {}, "at most one video may be given"),
        ([WORDS, *[reference("refer_image")] * 8], {"aspect_ratio": "1:1"}, "at most 7 pictures may be given"),
        ([WORDS, reference("base_video"), *[reference("refer_image")] * 5], {}, "at most 4 pictures may be given"),
        ([WORDS, reference("base_video"), reference("first_frame")], {}, "a base_video goes with no frames"),
        (
            [WORDS, reference("base_video")],
            {"audio": "native"},
            "a base_video goes without multi_shot and native audio",
        ),
        (
            [WORDS, reference("base_video")],
            {"multi_shot": True},
            "a base_video goes without multi_shot and native audio",
        ),
        (
            [WORDS, reference("feature_video")],
            {"audio": "original"},
            "a feature_video goes with multi_shot and without",
        ),
        ([WORDS, reference("first_frame")], {"audio": "original"}, "original audio is a video's"),
        ([WORDS, reference("refer_image")], {}, "an aspect_ratio is needed"),
        ([WORDS, *[reference("refer_image", id="a")] * 2], {"aspect_ratio": "1:1"}, "an id may be given once"),
    ],
)
def test_omni_refuses_contents_that_do_not_combine(contents: list[JsonValue], settings: JsonObject, text: str) -> None:
    code, message = refusal(OMNI, {"contents": contents, "settings": settings})
    assert (code, message.startswith(f": Value error, {text}")) == (1201, True)


BOTH: JsonValue = [WORDS, FRAME, {"type": "last_frame", "url": LAST}]


@pytest.mark.parametrize(
    ("model", "body", "text"),
    [
        ("text-to-video/kling-3.0-turbo", {"settings": {"audio": "off"}}, "settings.audio: Extra inputs are not"),
        ("text-to-video/kling-3.0-turbo", {"settings": {"resolution": "4k"}}, "settings.resolution: Input should be"),
        ("text-to-video/kling-2.5-turbo", {"settings": {"audio": "off"}}, "settings.audio: Extra inputs are not"),
        ("text-to-video/kling-2.5-turbo", {"settings": {"duration": 7}}, "settings.duration: Input should be 5 or 10"),
        ("text-to-video/kling-2.6", {"settings": {"resolution": "4k"}}, "settings.resolution: Input should be"),
        (
            "text-to-video/kling-2.6",
            {"settings": {"audio": "native"}},
            "settings: Value error, native audio is made at",
        ),
        ("text-to-video/kling-2.6", {"settings": {"multi_shot": True}}, "settings.multi_shot: Extra inputs are not"),
        ("text-to-video/kling-2.6", {"prompt": "x" * 2501}, "prompt: String should have at most 2500 characters"),
        ("image-to-video/kling-3.0-turbo", {"contents": BOTH}, ": Value error, a last_frame is taken at no resolution"),
        ("image-to-video/kling-2.5-turbo", {"contents": BOTH}, ": Value error, a last_frame is taken at 1080p only"),
        (
            "image-to-video/kling-2.6",
            {"contents": BOTH, "settings": {"resolution": "1080p", "audio": "native"}},
            ": Value error, with a last_frame, audio may be off only",
        ),
    ],
)
def test_setting_that_a_version_lacks_is_refused(model: str, body: JsonObject, text: str) -> None:
    plain: JsonObject = {"prompt": "x"} if model.startswith("text") else {"contents": [WORDS, FRAME]}
    read_create(model, plain)
    code, message = refusal(model, {**plain, **body})
    assert code == 1201
    assert message.startswith(text)


@pytest.mark.parametrize("model", ["text-to-video/kling-1.6", "kling-3.0", "v1/videos", "image-to-video/KLING-3.0"])
def test_unknown_path_is_1203(model: str) -> None:
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
def test_wrong_body_is_1201_with_a_helpful_text(model: str, body: JsonObject, text: str) -> None:
    code, message = refusal(model, body)
    assert code == 1201
    assert message.startswith(text)
