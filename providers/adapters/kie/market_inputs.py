"""The `input` of a create in Kie Market, as data, by the model of a route.

Source: https://docs.kie.ai/market, the page of each model; lists of prices and limits that repeat these pages are named
in the makers' files of the catalogue.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from providers.adapters.kie.wire import not_served
from providers.base import ProviderRequest
from schemas.orders import Inputs


@dataclass(frozen=True)
class MarketInput:
    """The field names and values of a model."""

    fields: Mapping[str, str | tuple[str, ...]]
    """The model's field names, by our name of the input. Several names: a field for each picture."""
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The model's names of our values, where they differ, by our name of the input."""
    always: Mapping[str, object] = field(default_factory=dict)
    """Fields with fixed values, if the order says nothing else."""
    model: str | None = None
    """Kie's name of the model. None: the name in the route. Several of our models can be one model of Kie."""
    counts_seconds: bool = False
    """Whether the length is a number. Otherwise a text."""


_SAME: Final = {"prompt": "prompt", "aspect_ratio": "aspect_ratio"}
_PRO: Final = {**_SAME, "image_urls": "image_input", "resolution": "resolution", "output_format": "output_format"}
_CLIP: Final = {"prompt": "prompt", "duration_seconds": "duration", "audio": "sound"}
# For these models JPEG is "jpg"; for the others it is "jpeg", as in our inputs.
_JPG: Final = {"output_format": {"jpeg": "jpg"}}
# The mode decides the resolution: std 1280x720, pro 1920x1080, 4K 3840x2160 (https://docs.kie.ai/market/kling/kling-3.0).
_MODES: Final = {"resolution": {"720p": "std", "1080p": "pro", "4k": "4K"}}
_KLING_3: Final = {**_CLIP, "image_urls": "image_urls", "resolution": "mode"}
_OMNI: Final = {
    **_SAME,
    "image_urls": "image_urls",
    "duration_seconds": "duration",
    "resolution": "resolution",
    "seed": "seed",
}

_VIDEO: Final = {**_SAME, "duration_seconds": "duration", "resolution": "resolution"}
_FRAMES: Final = {"image_urls": ("first_frame_url", "last_frame_url")}
_PICTURES: Final = {"image_urls": "image_urls"}
_SEEDANCE: Final = MarketInput({**_VIDEO, **_FRAMES, "audio": "generate_audio"}, counts_seconds=True)
_WAN: Final = MarketInput(
    {**_VIDEO, **_FRAMES, "audio": "audio"},
    words={"resolution": {"480p": "480P", "720p": "720P", "1080p": "1080P"}},
    counts_seconds=True,
)
# Both switches of Kling 3.0 Omni make several cuts, and `customize_multi_shots` is on by default. With a picture the
# ratio must be "auto" (https://docs.kie.ai/market/kling/v3-omni-image-to-video).
_ONE_SHOT: Final = {"customize_multi_shots": False, "prefer_multi_shots": False}

_IMAGE: Final = {**_SAME, "resolution": "resolution"}
_FORMATTED: Final = {**_SAME, "resolution": "quality", "output_format": "output_format", **_PICTURES}
_QWEN: Final = MarketInput(
    {
        "prompt": "prompt",
        "aspect_ratio": "image_size",
        "resolution": "resolution",
        "output_format": "output_format",
        "negative_prompt": "negative_prompt",
        "seed": "seed",
        "enhance_prompt": "prompt_extend",
        **_PICTURES,
    },
    # Without a choice, the prompt stays as the customer wrote it. Kie's default is to rewrite it.
    always={"prompt_extend": False},
)

# By the model of a route. A star stands for "image" in an order with pictures, and for "text" in one without.
INPUTS: Final[Mapping[str, MarketInput]] = {
    "google/nano-banana": MarketInput({**_SAME, "output_format": "output_format"}),
    "google/nano-banana-edit": MarketInput({**_SAME, "output_format": "output_format", **_PICTURES}),
    "nano-banana-pro": MarketInput(_PRO, words=_JPG),
    "nano-banana-2": MarketInput(_PRO, words=_JPG),
    "nano-banana-2-1": MarketInput(_PRO, words=_JPG),
    "nano-banana-2-lite": MarketInput({**_SAME, **_PICTURES}),
    "kling-2.6/text-to-video": MarketInput({**_CLIP, "aspect_ratio": "aspect_ratio"}),
    "kling-2.6/image-to-video": MarketInput({**_CLIP, **_PICTURES}),
    "kling-3.0/video": MarketInput(
        {**_KLING_3, "aspect_ratio": "aspect_ratio"}, words=_MODES, always={"multi_shots": False}
    ),
    "kling-3.0/video/first-frame": MarketInput(
        _KLING_3, words=_MODES, always={"multi_shots": False}, model="kling-3.0/video"
    ),
    "kling-3.0-omni/text-to-video": MarketInput({**_VIDEO, "audio": "audio"}, always=_ONE_SHOT, counts_seconds=True),
    "kling-3.0-omni/image-to-video": MarketInput(
        {"prompt": "prompt", "duration_seconds": "duration", "resolution": "resolution", "audio": "audio", **_PICTURES},
        always={**_ONE_SHOT, "aspect_ratio": "auto"},
        counts_seconds=True,
    ),
    "kling/v3-turbo-text-to-video": MarketInput(_VIDEO),
    "kling/v3-turbo-image-to-video": MarketInput(
        {"prompt": "prompt", "duration_seconds": "duration", "resolution": "resolution", **_PICTURES}
    ),
    "gemini-omni-video": MarketInput(_OMNI),
    "gemini-omni-video/edit": MarketInput({**_OMNI, "video_urls": "video_list"}, model="gemini-omni-video"),
    "bytedance/seedance-2": _SEEDANCE,
    "bytedance/seedance-2-fast": _SEEDANCE,
    "bytedance/seedance-2-mini": _SEEDANCE,
    "bytedance/seedance-2-5": _SEEDANCE,
    "minimax-h3/*-to-video": MarketInput(
        {**_VIDEO, **_FRAMES}, words={"resolution": {"768p": "768P", "2k": "2K"}}, counts_seconds=True
    ),
    "wan/3-0-video": _WAN,
    "wan/3-0-video-prime": _WAN,
    "happyhorse-1-1/*-to-video": MarketInput({**_VIDEO, **_PICTURES}, counts_seconds=True),
    "happyhorse-1-1/reference-to-video": MarketInput({**_VIDEO, "image_urls": "reference_image"}, counts_seconds=True),
    "grok-imagine-video-1-5-preview": MarketInput({**_VIDEO, **_PICTURES}, counts_seconds=True),
    "pixverse-v6/*-to-video": MarketInput(
        {**_VIDEO, **_PICTURES, "resolution": "quality", "audio": "generate_audio_switch", "seed": "seed"},
        always={"generate_multi_clip_switch": False},
        counts_seconds=True,
    ),
    "seedream/5-pro-*-to-image": MarketInput(_FORMATTED, words={"resolution": {"1K": "basic", "2K": "high"}}),
    "seedream/5-lite-*-to-image": MarketInput(
        _FORMATTED, words={"resolution": {"2K": "basic", "3K": "high", "4K": "ultra"}}
    ),
    "flux-2/pro-*-to-image": MarketInput({**_IMAGE, "image_urls": "input_urls"}),
    "flux-2/flex-*-to-image": MarketInput({**_IMAGE, "image_urls": "input_urls"}),
    "qwen3/*-to-image": _QWEN,
    "qwen3/pro-*-to-image": _QWEN,
    "gpt-image-2-*-to-image": MarketInput({**_IMAGE, "image_urls": "input_urls"}),
    "gpt-image-2-5-flare-*-to-image": MarketInput({**_IMAGE, "image_urls": "input_urls"}),
    "gpt-image-2-5-sunburst-*-to-image": MarketInput({**_IMAGE, "image_urls": "input_urls"}),
    "grok-imagine-image-2-0/text-to-image": MarketInput(_SAME),
    "grok-imagine-image-2-0/image-edit": MarketInput({**_SAME, **_PICTURES}),
}


def to_body(request: ProviderRequest) -> dict[str, object]:
    """The body of a create, with the model's field names.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    known, inputs = INPUTS.get(request.model), request.inputs
    if known is None:
        raise not_served(request.model)
    model = (known.model or request.model).replace("*", "image" if inputs.image_urls else "text")
    return {"model": model, "input": {**known.always, **dict(_written(known, inputs))}}


def _written(known: MarketInput, inputs: Inputs) -> Iterator[tuple[str, object]]:
    """The fields of an order that the model has."""
    given = {name: value for name, value in inputs.model_dump().items() if value not in (None, [])}
    for ours, theirs in known.fields.items():
        if ours not in given:
            continue
        if isinstance(theirs, tuple):
            yield from zip(theirs, given[ours], strict=False)
        else:
            yield theirs, _said(known, ours, given[ours], inputs)


def _said(known: MarketInput, name: str, value: object, inputs: Inputs) -> object:
    match name:
        case "duration_seconds":
            return value if known.counts_seconds else str(value)
        case "video_urls":
            # Use the ordered seconds of the video. Kie takes at most 10 s of a video.
            return [{"url": url, "start": 0, "ends": inputs.duration_seconds} for url in inputs.video_urls]
        case _:
            return known.words.get(name, {}).get(str(value), value)
