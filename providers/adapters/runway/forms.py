"""The bodies of Runway's creates, as data: the fields of each model, and its sizes.

Source: `types/*_create_params.py` of Runway's own client, https://github.com/runwayml/sdk-python (5.24.0, 2026-10-23).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

Ratios = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Form:
    """The fields of a model's creates, besides `model` and `promptText`."""

    ratios: Ratios = field(default_factory=dict)
    """The model's `ratio`, by our resolution and aspect ratio: the size in pixels, or the aspect ratio itself.

    The empty aspect ratio is that of the first picture; an empty `ratio` is left out. Without a table, the model has no
    `ratio`.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    """The model's names of further inputs, by our name."""

    pictures: Literal["frames", "references", "tagged", "keyframe"] | None = None
    """The pictures: a first and a last frame, references, references with a tag each, or the new first frame."""

    always: Mapping[str, object] = field(default_factory=dict)
    """Fields with fixed values."""


_SEED: Final = {"seed": "seed"}
_LENGTH: Final = {"duration_seconds": "duration"}
_CLIP: Final = {**_LENGTH, **_SEED}
_SOUND: Final = {**_LENGTH, "audio": "audio"}
_WORDS: Final = {**_LENGTH, "resolution": "resolution"}
_FORMAT: Final = {"output_format": "outputFormat"}


def _with_shape_of_picture(ratios: Ratios, word: str) -> Ratios:
    """The same ratios, and one for the shape of the first picture. `{}` in the word stands for the resolution."""
    return {resolution: {"": word.format(resolution), **sizes} for resolution, sizes in ratios.items()}


def _upright(wide: Mapping[str, str]) -> Mapping[str, str]:
    """The sizes, and each of them turned upright."""
    turned = {":".join(ratio.split(":")[::-1]): ":".join(size.split(":")[::-1]) for ratio, size in wide.items()}
    return {**wide, **turned}


_WIDE_720: Final = _upright({"16:9": "1280:720"})
_ALL_720: Final = {**_WIDE_720, "4:3": "1104:832", "3:4": "832:1104", "1:1": "960:960", "21:9": "1584:672"}
_VEO: Final = Form(
    {"720p": _WIDE_720, "1080p": _upright({"16:9": "1920:1080"})},
    {**_CLIP, "audio": "audio", "negative_prompt": "negativePrompt"},
    "frames",
)
_GEN_IMAGE: Final = Form(
    {
        "720p": _upright({"16:9": "1280:720", "4:3": "960:720", "1:1": "720:720"}),
        "1080p": _upright({"16:9": "1920:1080", "4:3": "1440:1080", "1:1": "1080:1080"}),
    },
    _SEED,
    "tagged",
)

_SEEDANCE_HD: Final[Ratios] = {
    "720p": {"21:9": "1470:630", **_upright({"16:9": "1280:720", "4:3": "1112:834", "1:1": "960:960"})},
    "1080p": {"21:9": "2206:946", **_upright({"16:9": "1920:1080", "4:3": "1664:1248", "1:1": "1440:1440"})},
}
_SEEDANCE_2: Final[Ratios] = {
    "480p": {"21:9": "992:432", **_upright({"16:9": "864:496", "4:3": "752:560", "1:1": "640:640"})},
    **_SEEDANCE_HD,
    "4k": {"21:9": "3840:1646", **_upright({"16:9": "3840:2160", "4:3": "3840:2880", "1:1": "3840:3840"})},
}
_SEEDANCE_2_5: Final[Ratios] = {
    "480p": {"21:9": "992:432", **_upright({"16:9": "854:480", "4:3": "752:560", "1:1": "640:640"})},
    **_SEEDANCE_HD,
}
_SEEDANCE_FIELDS: Final = {**_SOUND, **_SEED}
# "Keyframe image-to-video requests must use `auto_480p`, `auto_720p`, or `auto_1080p`".
_WAN: Final = Form(
    _with_shape_of_picture(
        {
            "480p": _upright({"16:9": "832:480", "4:3": "720:544", "1:1": "624:624"}),
            "720p": _upright({"16:9": "1280:720", "4:3": "1104:832", "1:1": "960:960"}),
            "1080p": _upright({"16:9": "1920:1080", "4:3": "1648:1248", "1:1": "1440:1440"}),
        },
        "auto_{}",
    ),
    _SOUND,
    "frames",
)
_KLING_4: Final[Ratios] = {
    "720p": {**_upright({"16:9": "1280:720", "1:1": "940:940"}), "21:9": "1460:624"},
    "1080p": {**_upright({"16:9": "1920:1080", "1:1": "1440:1440"}), "21:9": "2200:940"},
}
_HAILUO_RATIOS: Final = {ratio: ratio for ratio in ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")}
_GROK_RATIOS: Final = {ratio: ratio for ratio in ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")}

_SEEDREAM_PRO: Final[Ratios] = {
    "1K": _upright({"1:1": "1024:1024", "4:3": "1184:896", "16:9": "1376:768", "3:2": "1296:864"}),
    "2K": _upright({"1:1": "2048:2048", "4:3": "2304:1728", "16:9": "2720:1530", "3:2": "2496:1664"}),
}
_SEEDREAM_LITE: Final[Ratios] = {
    "2K": {
        **_upright({"1:1": "2048:2048", "4:3": "2304:1728", "16:9": "2848:1600", "3:2": "2496:1664"}),
        "21:9": "3136:1344",
    },
    "3K": {
        **_upright({"1:1": "3072:3072", "4:3": "3456:2592", "16:9": "4096:2304", "3:2": "3744:2496"}),
        "21:9": "4704:2016",
    },
}
_GROK_IMAGE: Final[Ratios] = {
    "1K": _upright({"1:1": "1024:1024", "16:9": "1280:720", "4:3": "1152:864", "3:2": "1248:832"}),
    "2K": _upright({"1:1": "2048:2048", "16:9": "2816:1584", "4:3": "2368:1776", "3:2": "2496:1664"}),
}
_IDEOGRAM_2K: Final = _upright({"1:1": "2048:2048", "16:9": "2560:1440", "4:3": "2304:1728", "3:2": "2496:1664"})
_MUSE: Final = {
    "21:9": "2352:1008",
    **_upright({"1:1": "1600:1600", "16:9": "2016:1152", "3:2": "1920:1280", "4:3": "1792:1344"}),
}

# A model's name here is its path and Runway's name. `video` means text_to_video, or with pictures image_to_video. Other
# models are not supported.
FORMS: Final[Mapping[str, Form]] = {
    "text_to_video/gen4.5": Form({"720p": _WIDE_720}, _CLIP),
    "image_to_video/gen4.5": Form({"720p": _ALL_720}, _CLIP, "frames"),
    "image_to_video/gen4_turbo": Form({"720p": _ALL_720}, _CLIP, "frames"),
    "text_to_image/gen4_image": _GEN_IMAGE,
    "text_to_image/gen4_image_turbo": _GEN_IMAGE,
    # Aleph's result has the size of its input video, and its length.
    "video_to_video/aleph2": Form({}, _SEED, "keyframe"),
    "video/veo3.1": _VEO,
    "video/veo3.1_fast": _VEO,
    "video/seedance2": Form(_SEEDANCE_2, _SEEDANCE_FIELDS, "frames"),
    "video/seedance2_5": Form(_SEEDANCE_2_5, _SOUND, "frames"),
    "video/wan3": _WAN,
    "video/wan3_prime": _WAN,
    "video/hailuo3": Form(
        _with_shape_of_picture({"768p": _HAILUO_RATIOS, "2k": _HAILUO_RATIOS}, "adaptive"), _WORDS, "frames"
    ),
    "video/grok_imagine_1_5": Form(
        _with_shape_of_picture({"480p": _GROK_RATIOS, "720p": _GROK_RATIOS, "1080p": _GROK_RATIOS}, ""),
        _WORDS,
        "frames",
    ),
    "video/kling_4": Form(_with_shape_of_picture(_KLING_4, "auto_{}"), _LENGTH, "frames"),
    "text_to_image/seedream5_pro": Form(_SEEDREAM_PRO, _FORMAT, "references"),
    "text_to_image/seedream5_lite": Form(_SEEDREAM_LITE, _FORMAT, "references"),
    # Without `quality`, the model or Runway chooses, and the quality decides the price.
    "text_to_image/grok_imagine_image_2": Form(_GROK_IMAGE, {}, "references", {"quality": "medium"}),
    "text_to_image/ideogram_4_0": Form({"2K": _IDEOGRAM_2K}, {}, "references", {"quality": "medium"}),
    "text_to_image/ideogram_4_5": Form(
        {"2K": {**_IDEOGRAM_2K, **_upright({"5:4": "2240:1792", "2:1": "2880:1440"})}},
        {},
        "references",
        {"quality": "medium"},
    ),
    "text_to_image/recraft_v4_1_flash": Form(
        {"1K": _upright({"1:1": "1024:1024", "2:1": "1536:768", "4:3": "1216:896", "16:9": "1344:768"})},
        {**_FORMAT, **_SEED},
    ),
    "text_to_image/muse_image": Form({"1.5K": _MUSE}, _FORMAT, "references"),
}


def to_path(model: str, inputs: Inputs) -> str:
    """The path of a model's creates."""
    endpoint = model.partition("/")[0]
    if endpoint == "video":
        endpoint = "image_to_video" if inputs.image_urls else "text_to_video"
    return f"/v1/{endpoint}"


def to_body(model: str, inputs: Inputs) -> dict[str, object]:
    """The body of a create, with the model's field names.

    Raises:
        ProviderRejected: this version no longer supports the model, the resolution or the aspect ratio of an old order.
    """
    form = FORMS.get(model)
    if form is None:
        raise _not_served(model, inputs)
    given = inputs.model_dump()
    body = {
        "model": model.partition("/")[2],
        "promptText": inputs.prompt,
        "ratio": _ratio(form, model, inputs),
        **{theirs: given[ours] for ours, theirs in form.fields.items()},
        **_media(form, inputs),
        **form.always,
    }
    return {name: value for name, value in body.items() if value not in (None, [])}


def _ratio(form: Form, model: str, inputs: Inputs) -> str | None:
    if not form.ratios:
        return None
    ratio = form.ratios.get(inputs.resolution or "", {}).get(inputs.aspect_ratio or "")
    if ratio is None:
        raise _not_served(model, inputs)
    return ratio or None


def _media(form: Form, inputs: Inputs) -> dict[str, object]:
    """The fields of the input files."""
    uris = inputs.image_urls
    match form.pictures:
        case "frames":
            frames = [{"uri": uri, "position": at} for uri, at in zip(uris, ("first", "last"), strict=False)]
            return {"promptImage": frames}
        case "references":
            return {"referenceImages": [{"uri": uri} for uri in uris]}
        case "tagged":
            # The prompt can refer to the images by these tags: "@image1 in the style of @image2".
            return {"referenceImages": [{"uri": uri, "tag": f"image{at}"} for at, uri in enumerate(uris, 1)]}
        case "keyframe":
            # The result is as long as the video. An image shows the new first frame.
            return {"videoUri": inputs.video_urls[0], "keyframes": [{"uri": uri, "at": 0.0} for uri in uris]}
        case None:
            return {}


def _not_served(model: str, inputs: Inputs) -> ProviderRejected:
    wanted = f"{model} with {inputs.aspect_ratio} at {inputs.resolution}"
    return ProviderRejected(f"runway's model {wanted} is not served any more")
