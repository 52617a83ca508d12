"""The `input` of each model of Kie Market."""

from typing import cast

import pytest

from providers.adapters.kie.market_inputs import INPUTS, to_body
from providers.base import ProviderRequest
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

ORDERED = Inputs(
    prompt="p",
    image_urls=["https://x.example/1.png"],
    aspect_ratio="16:9",
    resolution="4K",
    duration_seconds=10,
    audio=True,
    output_format="jpeg",
    video_urls=["https://x.example/1.mp4"],
    seed=7,
)
IMAGE = {"prompt": "p", "aspect_ratio": "16:9"}
VIDEO = {"prompt": "p", "duration": "10", "sound": True}
OMNI = {
    **IMAGE,
    "image_urls": ["https://x.example/1.png"],
    "duration": "10",
    "resolution": "4K",
    "seed": 7,
}
WRITTEN = {
    "google/nano-banana": {**IMAGE, "output_format": "jpeg"},
    "nano-banana-pro": {
        **IMAGE,
        "image_input": ["https://x.example/1.png"],
        "resolution": "4K",
        "output_format": "jpg",
    },
    "google/nano-banana-edit": {**IMAGE, "image_urls": ["https://x.example/1.png"], "output_format": "jpeg"},
    "nano-banana-2": {
        **IMAGE,
        "image_input": ["https://x.example/1.png"],
        "resolution": "4K",
        "output_format": "jpg",
    },
    "nano-banana-2-lite": {**IMAGE, "image_urls": ["https://x.example/1.png"]},
    "kling-2.6/text-to-video": {**VIDEO, "aspect_ratio": "16:9"},
    "kling-2.6/image-to-video": {**VIDEO, "image_urls": ["https://x.example/1.png"]},
    "kling-3.0/video": {
        **VIDEO,
        "image_urls": ["https://x.example/1.png"],
        "aspect_ratio": "16:9",
        "mode": "4K",
        "multi_shots": False,
    },
    "kling-3.0/video/first-frame": {
        **VIDEO,
        "image_urls": ["https://x.example/1.png"],
        "mode": "4K",
        "multi_shots": False,
    },
    "gemini-omni-video": OMNI,
    "gemini-omni-video/edit": {
        **OMNI,
        "video_list": [{"url": "https://x.example/1.mp4", "start": 0, "ends": 10}],
    },
}
FRAMES = {
    "prompt": "p",
    "aspect_ratio": "16:9",
    "first_frame_url": "https://x.example/1.png",
    "duration": 10,
    "resolution": "4K",
}
SEEDANCE = {**FRAMES, "generate_audio": True}
WAN = {**FRAMES, "audio": True}
CLIP = {**IMAGE, "image_urls": ["https://x.example/1.png"], "duration": 10, "resolution": "4K"}
ONE_SHOT = {"customize_multi_shots": False, "prefer_multi_shots": False}
SEEDREAM = {**IMAGE, "image_urls": ["https://x.example/1.png"], "output_format": "jpeg"}
EDIT = {**IMAGE, "input_urls": ["https://x.example/1.png"], "resolution": "4K"}
QWEN = {
    "prompt": "p",
    "image_size": "16:9",
    "resolution": "4K",
    "output_format": "jpeg",
    "seed": 7,
    "image_urls": ["https://x.example/1.png"],
    "prompt_extend": False,
}
WRITTEN |= {
    "bytedance/seedance-2": SEEDANCE,
    "bytedance/seedance-2-fast": SEEDANCE,
    "bytedance/seedance-2-mini": SEEDANCE,
    "bytedance/seedance-2-5": SEEDANCE,
    "minimax-h3/*-to-video": FRAMES,
    "wan/3-0-video": WAN,
    "wan/3-0-video-prime": WAN,
    "happyhorse-1-1/*-to-video": CLIP,
    "happyhorse-1-1/reference-to-video": {
        **IMAGE,
        "reference_image": ["https://x.example/1.png"],
        "duration": 10,
        "resolution": "4K",
    },
    "grok-imagine-video-1-5-preview": CLIP,
    "pixverse-v6/*-to-video": {
        **IMAGE,
        "image_urls": ["https://x.example/1.png"],
        "duration": 10,
        "quality": "4K",
        "generate_audio_switch": True,
        "generate_multi_clip_switch": False,
        "seed": 7,
    },
    "kling/v3-turbo-text-to-video": {**IMAGE, "duration": "10", "resolution": "4K"},
    "kling/v3-turbo-image-to-video": {
        "prompt": "p",
        "image_urls": ["https://x.example/1.png"],
        "duration": "10",
        "resolution": "4K",
    },
    "kling-3.0-omni/text-to-video": {**IMAGE, **ONE_SHOT, "duration": 10, "resolution": "4K", "audio": True},
    "kling-3.0-omni/image-to-video": {**CLIP, **ONE_SHOT, "aspect_ratio": "auto", "audio": True},
    "seedream/5-pro-*-to-image": {**SEEDREAM, "quality": "4K"},
    "seedream/5-lite-*-to-image": {**SEEDREAM, "quality": "ultra"},
    "flux-2/pro-*-to-image": EDIT,
    "flux-2/flex-*-to-image": EDIT,
    "qwen3/*-to-image": QWEN,
    "qwen3/pro-*-to-image": QWEN,
    "gpt-image-2-*-to-image": EDIT,
    "gpt-image-2-5-flare-*-to-image": EDIT,
    "gpt-image-2-5-sunburst-*-to-image": EDIT,
    "grok-imagine-image-2-0/text-to-image": IMAGE,
    "grok-imagine-image-2-0/image-edit": {**IMAGE, "image_urls": ["https://x.example/1.png"]},
    "nano-banana-2-1": {
        **IMAGE,
        "image_input": ["https://x.example/1.png"],
        "resolution": "4K",
        "output_format": "jpg",
    },
}
NAMES = {"kling-3.0/video/first-frame": "kling-3.0/video", "gemini-omni-video/edit": "gemini-omni-video"}


@pytest.mark.parametrize("model", WRITTEN)
def test_the_fields_of_each_model(model: str) -> None:
    name = NAMES.get(model, model.replace("*", "image"))
    assert to_body(ProviderRequest(model, ORDERED)) == {"model": name, "input": WRITTEN[model]}


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("minimax-h3/*-to-video", "minimax-h3/text-to-video"),
        ("qwen3/pro-*-to-image", "qwen3/pro-text-to-image"),
        ("wan/3-0-video", "wan/3-0-video"),
    ],
)
def test_an_order_without_pictures_goes_to_the_model_for_text(model: str, name: str) -> None:
    inputs = ORDERED.model_copy(update={"image_urls": []})
    assert to_body(ProviderRequest(model, inputs))["model"] == name


def test_two_pictures_are_the_first_and_the_last_frame() -> None:
    pictures = ["https://x.example/1.png", "https://x.example/2.png"]
    body = to_body(ProviderRequest("wan/3-0-video", ORDERED.model_copy(update={"image_urls": pictures})))
    assert body["input"] == {**WAN, "last_frame_url": "https://x.example/2.png"}


@pytest.mark.parametrize(
    ("model", "field", "resolution", "theirs"),
    [
        ("minimax-h3/*-to-video", "resolution", "768p", "768P"),
        ("minimax-h3/*-to-video", "resolution", "2k", "2K"),
        ("wan/3-0-video", "resolution", "480p", "480P"),
        ("seedream/5-pro-*-to-image", "quality", "1K", "basic"),
        ("seedream/5-pro-*-to-image", "quality", "2K", "high"),
        ("seedream/5-lite-*-to-image", "quality", "2K", "basic"),
        ("seedream/5-lite-*-to-image", "quality", "3K", "high"),
    ],
)
def test_kies_word_for_a_resolution(model: str, field: str, resolution: str, theirs: str) -> None:
    body = to_body(ProviderRequest(model, ORDERED.model_copy(update={"resolution": resolution})))
    assert cast("dict[str, object]", body["input"])[field] == theirs


def test_every_supported_model_has_a_test() -> None:
    assert set(WRITTEN) == set(INPUTS)


@pytest.mark.parametrize(("resolution", "mode"), [("720p", "std"), ("1080p", "pro"), ("4k", "4K")])
def test_the_mode_of_kling_is_the_resolution(resolution: str, mode: str) -> None:
    body = to_body(ProviderRequest("kling-3.0/video", Inputs(prompt="p", resolution=resolution)))
    assert body["input"] == {"prompt": "p", "mode": mode, "multi_shots": False}


def test_the_ordered_seconds_of_a_video_are_used() -> None:
    inputs = Inputs(prompt="p", video_urls=["https://x.example/1.mp4"], duration_seconds=4)
    assert to_body(ProviderRequest("gemini-omni-video/edit", inputs))["input"] == {
        "prompt": "p",
        "duration": "4",
        "video_list": [{"url": "https://x.example/1.mp4", "start": 0, "ends": 4}],
    }


def test_omitted_inputs_are_not_sent() -> None:
    assert to_body(ProviderRequest("nano-banana-pro", Inputs(prompt="p")))["input"] == {"prompt": "p"}
    silent = to_body(ProviderRequest("kling-2.6/text-to-video", Inputs(prompt="p", audio=False)))
    assert silent["input"] == {"prompt": "p", "sound": False}


def test_an_unknown_model_of_an_old_order_is_rejected() -> None:
    with pytest.raises(ProviderRejected, match="kie's model sora-2 is not served any more"):
        to_body(ProviderRequest("sora-2", ORDERED))


@pytest.mark.parametrize(("choice", "sent"), [(None, False), (False, False), (True, True)])
def test_qwen_rewrites_the_prompt_only_if_asked_to(choice: bool | None, sent: bool) -> None:
    body = to_body(ProviderRequest("qwen3/*-to-image", Inputs(prompt="p", enhance_prompt=choice)))
    assert body["input"] == {"prompt": "p", "prompt_extend": sent}
