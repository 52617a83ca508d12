"""The bodies of fal's creates, as data: the fields of each model. Source: the "API" tab of https://fal.ai/models/{model}."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final

from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

# The default of https://fal.ai/models/fal-ai/longcat-video/text-to-video/720p/api.
_LONGCAT_FPS = 30
# https://fal.ai/models/fal-ai/stable-video/api: `motion_bucket_id` is 1 to 255.
_MOST_MOTION = 255
# https://fal.ai/models/fal-ai/stable-video/api runs SVD-XT, which makes 25 frames at any `fps`.
_STABLE_VIDEO_FRAMES = 25

_Write = Callable[[Inputs], object]


def _first_image(inputs: Inputs) -> str | None:
    return next(iter(inputs.image_urls), None)


def _seconds_as_text(inputs: Inputs) -> str | None:
    return None if inputs.duration_seconds is None else str(inputs.duration_seconds)


def _upper_resolution(inputs: Inputs) -> str | None:
    return None if inputs.resolution is None else inputs.resolution.upper()


def _longcat_fps(inputs: Inputs) -> int:
    return inputs.fps or _LONGCAT_FPS


def _longcat_frames(inputs: Inputs) -> int | None:
    return None if inputs.duration_seconds is None else inputs.duration_seconds * _longcat_fps(inputs)


def _stable_video_fps(inputs: Inputs) -> int | None:
    return None if inputs.duration_seconds is None else round(_STABLE_VIDEO_FRAMES / inputs.duration_seconds)


def _motion_bucket(inputs: Inputs) -> int | None:
    return None if inputs.motion is None else 1 + round(inputs.motion * (_MOST_MOTION - 1))


_PIKA: Final[Mapping[str, _Write]] = {
    "prompt": attrgetter("prompt"),
    "resolution": attrgetter("resolution"),
    "duration": _seconds_as_text,
    "negative_prompt": attrgetter("negative_prompt"),
    "seed": attrgetter("seed"),
}
_CLIP: Final[Mapping[str, _Write]] = {
    "prompt": attrgetter("prompt"),
    "image_url": _first_image,
    "aspect_ratio": attrgetter("aspect_ratio"),
    "resolution": attrgetter("resolution"),
    "duration": attrgetter("duration_seconds"),
}

# The fields of each model, and the inputs that they take. A star in a model's name stands for "image" in an order with
# pictures, and for "text" in one without.
INPUT_FIELDS: Final[Mapping[str, Mapping[str, _Write]]] = {
    "fal-ai/pika/v2.2/text-to-video": {**_PIKA, "aspect_ratio": attrgetter("aspect_ratio")},
    "fal-ai/pika/v2.2/image-to-video": {**_PIKA, "image_url": _first_image},
    "fal-ai/longcat-video/text-to-video/720p": {
        "prompt": attrgetter("prompt"),
        "aspect_ratio": attrgetter("aspect_ratio"),
        "num_frames": _longcat_frames,
        "fps": _longcat_fps,
        "negative_prompt": attrgetter("negative_prompt"),
        "seed": attrgetter("seed"),
    },
    "fal-ai/stable-video": {
        "image_url": _first_image,
        "fps": _stable_video_fps,
        "motion_bucket_id": _motion_bucket,
        "seed": attrgetter("seed"),
    },
    "minimax/h3-max/*-to-video": {
        **_CLIP,
        "resolution": _upper_resolution,
        # fal requires this field. "balanced" is its default.
        "prompt_expansion_mode": lambda _: "balanced",
        "seed": attrgetter("seed"),
    },
    "blackforestlabs/flux-3/*-to-video": {**_CLIP, "generate_audio": attrgetter("audio")},
}


def to_path(model: str, inputs: Inputs) -> str:
    """The path of a model's creates."""
    return "/" + model.replace("*", "image" if inputs.image_urls else "text")


def to_input(model: str, inputs: Inputs) -> dict[str, object]:
    """The body of a create, with the model's field names.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    fields = INPUT_FIELDS.get(model)
    if fields is None:
        raise ProviderRejected(f"fal's model {model} is not served any more")
    written = {field: write(inputs) for field, write in fields.items()}
    return {field: value for field, value in written.items() if value is not None}
