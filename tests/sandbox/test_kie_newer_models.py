"""Kie's newer models in the sandbox: what they refuse, make and charge, as Kie's pages say."""

from pathlib import Path

import pytest

from sandbox.media import MediaSpec
from sandbox.media_store import SourceImage
from sandbox.task import JsonObject
from sandbox.vendors.kie.errors import KieError
from sandbox.vendors.kie.models import read_input

IMAGE = "https://images.example/1.png"
PROMPT: JsonObject = {"prompt": "a boat"}
UPRIGHT = SourceImage(Path("source"), 300, 400)
SEEDANCE, WAN, H3 = "bytedance/seedance-2-5", "wan/3-0-video", "minimax-h3"
PIXVERSE: JsonObject = {"quality": "720p", "duration": 5}
SINGLE_SHOT: JsonObject = {"customize_multi_shots": False}
FRAMES: JsonObject = {"first_frame_url": IMAGE}


@pytest.mark.parametrize(
    ("model", "fields", "size", "seconds", "sound"),
    [
        (SEEDANCE, {"resolution": "480p", "aspect_ratio": "21:9", "duration": 30}, (1120, 480), 30, True),
        (SEEDANCE, {"generate_audio": False, "aspect_ratio": "9:16"}, (720, 1280), 5, False),
        (WAN, {"aspect_ratio": "1:1", "resolution": "480P", "audio": False}, (480, 480), 5, False),
        (f"{H3}/text-to-video", {"duration": 4}, (2560, 1440), 4, True),
        ("happyhorse-1-1/text-to-video", {"aspect_ratio": "4:3", "resolution": "720p"}, (960, 720), 5, True),
        ("grok-imagine-video-1-5-preview", {"aspect_ratio": "2:3", "duration": 1}, (480, 720), 1, True),
        ("pixverse-v6/text-to-video", {**PIXVERSE, "aspect_ratio": "3:2"}, (1080, 720), 5, False),
        ("kling/v3-turbo-text-to-video", {"duration": "15", "resolution": "1080p"}, (1920, 1080), 15, False),
        ("kling-3.0-omni/text-to-video", {**SINGLE_SHOT, "resolution": "4k"}, (3840, 2160), 5, False),
    ],
)
def test_a_video_has_the_ordered_shape_length_and_sound(
    model: str, fields: JsonObject, size: tuple[int, int], seconds: int, sound: bool
) -> None:
    assert read_input(model, {**PROMPT, **fields}).spec(None) == MediaSpec(
        format="mp4", width=size[0], height=size[1], duration_seconds=seconds, frame_rate=24, sound=sound
    )


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (WAN, {**FRAMES, "resolution": "720P"}),
        (SEEDANCE, {**FRAMES, "aspect_ratio": "adaptive"}),
        (f"{H3}/image-to-video", {**FRAMES, "resolution": "768P"}),
        ("happyhorse-1-1/image-to-video", {"image_urls": [IMAGE]}),
        ("grok-imagine-video-1-5-preview", {"image_urls": [IMAGE], "aspect_ratio": "16:9"}),
        ("pixverse-v6/image-to-video", {**PIXVERSE, "image_urls": [IMAGE]}),
        ("kling/v3-turbo-image-to-video", {"image_urls": [IMAGE]}),
        ("kling-3.0-omni/image-to-video", {**SINGLE_SHOT, "image_urls": [IMAGE], "aspect_ratio": "auto"}),
    ],
)
def test_a_video_takes_the_shape_of_its_picture(model: str, fields: JsonObject) -> None:
    wanted = read_input(model, {**PROMPT, **fields})
    spec = wanted.spec(UPRIGHT)
    assert wanted.image_sources() == (IMAGE,)
    assert spec.width / spec.height == pytest.approx(3 / 4, rel=0.01)


@pytest.mark.parametrize(
    ("model", "fields", "size", "kind"),
    [
        ("seedream/5-pro-text-to-image", {"aspect_ratio": "1:1", "quality": "high"}, (2048, 2048), "png"),
        (
            "seedream/5-lite-text-to-image",
            {"aspect_ratio": "1:1", "quality": "high", "output_format": "jpeg"},
            (3072, 3072),
            "jpg",
        ),
        ("flux-2/pro-text-to-image", {"aspect_ratio": "1:1", "resolution": "1K"}, (1024, 1024), "png"),
        ("qwen3/text-to-image", {"image_size": "1:1", "resolution": "2K"}, (2048, 2048), "png"),
        ("gpt-image-2-text-to-image", {"aspect_ratio": "1:1", "resolution": "2K"}, (2048, 2048), "png"),
        ("gpt-image-2-5-sunburst-text-to-image", {"aspect_ratio": "1:1", "resolution": "4K"}, (4096, 4096), "png"),
        ("grok-imagine-image-2-0/text-to-image", {}, (1024, 1024), "png"),
        ("nano-banana-2-1", {"aspect_ratio": "1:1", "output_format": "jpg"}, (1024, 1024), "jpg"),
    ],
)
def test_a_picture_has_the_ordered_size_and_format(
    model: str, fields: JsonObject, size: tuple[int, int], kind: str
) -> None:
    spec = read_input(model, {**PROMPT, **fields}).spec(None)
    assert (spec.width, spec.height, spec.format) == (*size, kind)


@pytest.mark.parametrize(
    ("model", "fields", "message"),
    [
        (SEEDANCE, {"resolution": "4k"}, "resolution should be one of 480p, 720p, 1080p"),
        ("bytedance/seedance-2-mini", {"resolution": "1080p"}, "resolution should be one of 480p, 720p"),
        (SEEDANCE, {"duration": "5"}, "duration"),
        (SEEDANCE, {"last_frame_url": IMAGE}, "last_frame_url needs first_frame_url"),
        (SEEDANCE, {**FRAMES, "reference_image_urls": [IMAGE]}, "cannot be used together"),
        (f"{H3}/text-to-video", FRAMES, "first_frame_url"),
        (f"{H3}/image-to-video", {}, "first_frame_url"),
        (f"{H3}/text-to-video", {"resolution": "2k"}, "resolution"),
        (WAN, {"duration": 31}, "duration"),
        ("happyhorse-1-1/image-to-video", {"image_urls": [IMAGE], "aspect_ratio": "16:9"}, "aspect_ratio"),
        ("pixverse-v6/text-to-video", PIXVERSE, "aspect_ratio"),
        ("kling/v3-turbo-text-to-video", {"duration": 5}, "duration"),
        ("kling-3.0-omni/text-to-video", {}, "multi_prompt is needed with customize_multi_shots"),
        ("kling-3.0-omni/image-to-video", {**SINGLE_SHOT, "image_urls": [IMAGE]}, "aspect_ratio"),
        (
            "kling-3.0-omni/text-to-video",
            {"prefer_multi_shots": True, "multi_prompt": [{"prompt": "a", "duration": 5}]},
            "exclude each other",
        ),
        (
            "grok-imagine-video-1-5-preview",
            {"image_urls": [IMAGE, IMAGE], "resolution": "1080p"},
            "takes one picture when the resolution is 1080p",
        ),
        ("grok-imagine-image-2-0/image-edit", {"aspect_ratio": "1:1"}, "image_urls"),
        ("seedream/5-pro-text-to-image", {"aspect_ratio": "1:1", "quality": "2K"}, "quality"),
        ("flux-2/pro-image-to-image", {"aspect_ratio": "1:1", "resolution": "1K"}, "input_urls"),
        ("qwen3/text-to-image", {"aspect_ratio": "1:1"}, "aspect_ratio"),
        ("gpt-image-2-text-to-image", {"input_urls": [IMAGE]}, "input_urls"),
        ("gpt-image-2-text-to-image", {"aspect_ratio": "1:1", "resolution": "4K"}, "should be 1K or 2K"),
        ("gpt-image-2-5-flare-text-to-image", {"aspect_ratio": "9:8", "resolution": "2K"}, "should be 1K"),
    ],
)
def test_an_input_that_kie_does_not_document_is_refused(model: str, fields: JsonObject, message: str) -> None:
    with pytest.raises(KieError, match=message) as caught:
        read_input(model, {**PROMPT, **fields})
    assert caught.value.code == 422


@pytest.mark.parametrize(
    ("model", "fields", "charged"),
    [
        (SEEDANCE, {"resolution": "1080p", "duration": 10}, 1580),
        ("bytedance/seedance-2", {"resolution": "4k"}, 1040),
        ("bytedance/seedance-2-fast", {}, 124),
        (WAN, {}, 160),
        ("wan/3-0-video-prime", {"resolution": "480P"}, 61),
        ("pixverse-v6/text-to-video", {**PIXVERSE, "aspect_ratio": "1:1", "generate_audio_switch": True}, 48),
        ("kling-3.0-omni/text-to-video", {**SINGLE_SHOT, "resolution": "1080p", "audio": True}, 135),
        (
            "seedream/5-pro-image-to-image",
            {"aspect_ratio": "1:1", "quality": "basic", "image_urls": [IMAGE, IMAGE]},
            8,
        ),
        ("qwen3/pro-image-to-image", {"resolution": "2K", "image_urls": [IMAGE]}, 12.5),
        ("gpt-image-2-5-flare-image-to-image", {"resolution": "4K", "input_urls": [IMAGE]}, 16),
    ],
)
def test_the_price_follows_kies_list(model: str, fields: JsonObject, charged: float) -> None:
    assert read_input(model, {**PROMPT, **fields}).credits() == pytest.approx(charged)
