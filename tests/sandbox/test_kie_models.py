from pathlib import Path

import pytest

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.task import JsonObject
from sandbox.vendors.kie.errors import KieError
from sandbox.vendors.kie.models import read_input

IMAGE = "https://images.example/a%20b.png?signature=x/y"
TEXT_TO_VIDEO: JsonObject = {"prompt": "a boat", "sound": True, "duration": "5"}
VIDEO = "https://videos.example/a.mp4"
KLING_3: JsonObject = {**TEXT_TO_VIDEO, "aspect_ratio": "16:9", "mode": "std", "multi_shots": False}
OMNI: JsonObject = {"prompt": "a boat", "duration": "8"}
CUT: JsonObject = {"url": VIDEO, "start": 2, "ends": 8.5}


def spec(model: str, fields: JsonObject, source: SourceImage | None = None) -> MediaSpec:
    return read_input(model, {"prompt": "a boat", **fields}).spec(source)


def source(width: int, height: int) -> SourceImage:
    return SourceImage(Path("source"), width, height)


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        ("1:1", (1024, 1024)),
        ("16:9", (1344, 768)),
        ("9:16", (768, 1344)),
        ("21:9", (1536, 672)),
        ("auto", (1024, 1024)),
    ],
)
@pytest.mark.parametrize("field", ["aspect_ratio", "image_size"])
def test_nano_banana_has_a_size_for_each_aspect_ratio(field: str, ratio: str, size: tuple[int, int]) -> None:
    assert spec("google/nano-banana", {field: ratio}) == MediaSpec(format="png", width=size[0], height=size[1])


def test_nano_banana_edit_takes_the_shape_of_its_image_for_auto() -> None:
    fields: JsonObject = {"image_urls": [IMAGE], "aspect_ratio": "auto", "output_format": "jpeg"}

    assert spec("google/nano-banana-edit", fields, source(1600, 900)) == MediaSpec(format="jpg", width=1344, height=768)


@pytest.mark.parametrize(("resolution", "size"), [("1K", (1376, 768)), ("2K", (2752, 1536)), ("4K", (5504, 3072))])
def test_nano_banana_pro_scales_with_its_resolution(resolution: str, size: tuple[int, int]) -> None:
    fields: JsonObject = {"aspect_ratio": "16:9", "resolution": resolution}

    assert spec("nano-banana-pro", fields) == MediaSpec(format="png", width=size[0], height=size[1])


@pytest.mark.parametrize(("ratio", "size"), [("16:9", (1280, 720)), ("9:16", (720, 1280)), ("1:1", (960, 960))])
def test_kling_makes_a_video_from_text(ratio: str, size: tuple[int, int]) -> None:
    assert spec("kling-2.6/text-to-video", {**TEXT_TO_VIDEO, "aspect_ratio": ratio}) == MediaSpec(
        format="mp4", width=size[0], height=size[1], duration_seconds=5, frame_rate=24, sound=True
    )


@pytest.mark.parametrize(
    ("image", "size"), [((1000, 600), (1280, 720)), ((100, 300), (720, 1280)), ((500, 510), (960, 960))]
)
def test_kling_from_an_image_takes_the_nearest_shape(image: tuple[int, int], size: tuple[int, int]) -> None:
    fields: JsonObject = {"image_urls": [IMAGE], "sound": False, "duration": "10"}

    assert spec("kling-2.6/image-to-video", fields, source(*image)) == MediaSpec(
        format="mp4", width=size[0], height=size[1], duration_seconds=10, frame_rate=24, sound=False
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, MediaSpec(format="jpg", width=1024, height=1024)),
        ({"aspect_ratio": "1:8", "output_format": "png"}, MediaSpec(format="png", width=384, height=3072)),
        ({"aspect_ratio": "16:9", "resolution": "2K"}, MediaSpec(format="jpg", width=2752, height=1536)),
    ],
)
def test_nano_banana_2_has_a_size_for_each_shape_and_resolution(fields: JsonObject, expected: MediaSpec) -> None:
    assert spec("nano-banana-2", fields) == expected


def test_nano_banana_2_lite_takes_the_shape_of_its_first_picture() -> None:
    fields: JsonObject = {"image_urls": [IMAGE] * 10}
    assert spec("nano-banana-2-lite", fields, source(400, 100)) == MediaSpec(format="png", width=2048, height=512)
    assert read_input("nano-banana-2-lite", {"prompt": "a boat", **fields}).image_sources() == (IMAGE,) * 10


@pytest.mark.parametrize(("mode", "size"), [("std", (1280, 720)), ("pro", (1920, 1080)), ("4K", (3840, 2160))])
def test_klings_mode_decides_the_resolution(mode: str, size: tuple[int, int]) -> None:
    assert spec("kling-3.0/video", {**KLING_3, "mode": mode}) == MediaSpec(
        format="mp4", width=size[0], height=size[1], duration_seconds=5, frame_rate=24, sound=True
    )


def test_kling_3_takes_the_shape_of_its_first_picture() -> None:
    made = spec("kling-3.0/video", {**KLING_3, "image_urls": [IMAGE, IMAGE]}, source(100, 300))
    assert (made.width, made.height) == (720, 1280)


def test_kling_3_makes_several_shots_with_separate_prompts() -> None:
    shots: JsonObject = {"multi_shots": True, "multi_prompt": [{"prompt": "it sails", "duration": 3}], "prompt": ""}
    assert read_input("kling-3.0/video", {**KLING_3, **shots}).credits() == 100


def test_gemini_omni_from_text_and_from_a_part_of_a_video() -> None:
    clip = spec("gemini-omni-video", {**OMNI, "aspect_ratio": "9:16", "resolution": "1080p"})
    assert (clip.width, clip.height, clip.duration_seconds, clip.sound) == (1080, 1920, 8, True)
    fields: JsonObject = {**OMNI, "image_urls": [IMAGE] * 5, "video_list": [CUT], "seed": 7}
    assert spec("gemini-omni-video", fields).duration_seconds == 6.5
    assert read_input("gemini-omni-video", fields).image_sources() == (VIDEO, *[IMAGE] * 5)


@pytest.mark.parametrize(
    ("model", "fields", "price"),
    [
        ("google/nano-banana", {}, 4),
        ("nano-banana-pro", {"resolution": "2K"}, 18),
        ("nano-banana-pro", {"resolution": "4K"}, 24),
        ("kling-2.6/text-to-video", {"sound": False, "duration": "5"}, 55),
        ("kling-2.6/text-to-video", {"sound": True, "duration": "10"}, 220),
        ("nano-banana-2", {"resolution": "4K"}, 18),
        ("kling-3.0/video", {**KLING_3, "mode": "pro", "sound": False}, 90),
        ("nano-banana-2-lite", {}, 4),
        ("gemini-omni-video", OMNI, 150),
        ("gemini-omni-video", {**OMNI, "resolution": "4k"}, 270),
        ("gemini-omni-video", {**OMNI, "video_list": [CUT]}, 240),
        ("gemini-omni-video", {**OMNI, "video_list": [CUT], "resolution": "4k"}, 360),
    ],
)
def test_each_model_has_its_price(model: str, fields: JsonObject, price: float) -> None:
    assert read_input(model, {"prompt": "a boat", **fields}).credits() == price


def test_image_urls_keep_their_spelling() -> None:
    fields: JsonObject = {"prompt": "a boat", "image_urls": [IMAGE], "sound": False, "duration": "5"}

    assert read_input("kling-2.6/image-to-video", fields).image_sources() == (IMAGE,)


@pytest.mark.parametrize(
    ("model", "fields", "code", "text"),
    [
        (None, {"prompt": "a boat"}, 500, "The model field is missing from the request body"),
        ("sora-2-text-to-video", {"prompt": "a boat"}, 500, "The model sora-2-text-to-video is temporarily paused"),
        ("no-such-model", {}, 422, "The model no-such-model is not supported; known are google/nano-banana, "),
        ("google/nano-banana", {}, 422, "input.prompt: Field required"),
        ("google/nano-banana", {"prompt": ""}, 422, "input.prompt: String should have at least 1 character"),
        ("google/nano-banana", {"prompt": "x" * 5001}, 422, "input.prompt: String should have at most 5000 characters"),
        ("google/nano-banana", {"prompt": "x", "aspect_ratio": "16x9"}, 422, "input.aspect_ratio: Input should be "),
        ("google/nano-banana", {"prompt": "x", "size": "1K"}, 422, "input.size: Extra inputs are not permitted"),
        ("google/nano-banana-edit", {"prompt": "x"}, 422, "input.image_urls: Field required"),
        ("google/nano-banana-edit", {"prompt": "x", "image_urls": [IMAGE] * 11}, 422, "input.image_urls: List should "),
        ("nano-banana-pro", {"prompt": "x", "resolution": "8K"}, 422, "input.resolution: Input should be '1K', '2K' "),
        ("kling-2.6/text-to-video", {**TEXT_TO_VIDEO, "duration": 5}, 422, "input.duration: Input should be '5' or "),
        ("kling-2.6/text-to-video", {**TEXT_TO_VIDEO, "sound": "yes"}, 422, "input.sound: Input should be a valid "),
        ("kling-2.6/text-to-video", {"prompt": "x" * 1001, "sound": True, "duration": "5"}, 422, "input.prompt: "),
        ("kling-2.6/text-to-video", {**TEXT_TO_VIDEO, "aspect_ratio": "4:3"}, 422, "input.aspect_ratio: Input should "),
        ("nano-banana-2", {"prompt": "x", "image_input": [IMAGE] * 15}, 422, "input.image_input: List should have at "),
        ("nano-banana-2", {"prompt": "x", "output_format": "jpeg"}, 422, "input.output_format: Input should be 'jpg' "),
        ("nano-banana-2-lite", {"prompt": "x", "resolution": "1K"}, 422, "input.resolution: Extra inputs are not "),
        ("nano-banana-2-lite", {"prompt": "x", "aspect_ratio": "9:21"}, 422, "input.aspect_ratio: Input should be "),
        ("kling-3.0/video", {**KLING_3, "mode": "4k"}, 422, "input.mode: Input should be 'std', 'pro' or '4K'"),
        ("kling-3.0/video", {**KLING_3, "duration": "16"}, 422, "input.duration: Input should be '3', '4', "),
        ("kling-3.0/video", {**KLING_3, "image_urls": [IMAGE] * 3}, 422, "input.image_urls: List should have at most"),
        ("kling-3.0/video", {**KLING_3, "prompt": ""}, 422, "input: Value error, prompt is needed"),
        ("kling-3.0/video", {**KLING_3, "multi_shots": True}, 422, "input: Value error, multi_prompt is needed"),
        ("kling-3.0/video", {**KLING_3, "aspect_ratio": None}, 422, "input: Value error, aspect_ratio is needed"),
        ("gemini-omni-video", {**OMNI, "duration": "5"}, 422, "input.duration: Input should be '4', '6', '8' or '10'"),
        ("gemini-omni-video", {**OMNI, "seed": 2**31}, 422, "input.seed: Input should be less than or equal to"),
        ("gemini-omni-video", {**OMNI, "image_urls": [IMAGE] * 8}, 422, "input.image_urls: List should have at most 7"),
        (
            "gemini-omni-video",
            {**OMNI, "image_urls": [IMAGE] * 6, "video_list": [CUT]},
            422,
            "input: Value error, images, videos (counted twice) and characters are 8, more than 7",
        ),
        (
            "gemini-omni-video",
            {**OMNI, "video_list": [{**CUT, "ends": 13}]},
            422,
            "input.video_list.0: Value error, ends should be after start, by 10 seconds at most",
        ),
        (
            "kling-2.6/image-to-video",
            {**TEXT_TO_VIDEO, "image_urls": ["file:///etc/passwd"]},
            422,
            "input.image_urls.0: Value error, should be an http or https URL",
        ),
    ],
)
def test_wrong_input_is_refused_with_a_helpful_text(
    model: str | None, fields: JsonObject, code: int, text: str
) -> None:
    with pytest.raises(KieError) as refusal:
        read_input(model, fields)

    assert refusal.value.code == code
    assert refusal.value.msg.startswith(text)
