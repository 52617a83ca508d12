"""The routes of a model order the same thing, whatever the vendors' names for it."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from providers.catalogue.models import Model, RouteEntry
from schemas.orders import Inputs
from tests.contract.wires import WIRES
from tests.unit.providers.catalogue.test_catalogue import CATALOGUE, FACTS, FILE, choices, plainest

MANY = [model for model in FILE.models if len({route.provider for route in model.routes}) > 1]

# The vendors' names of a setting, by the setting.
_NAMES: Mapping[str, str] = {
    name: setting
    for setting, names in {
        "prompt": "prompt text promptText",
        "negative prompt": "negative_prompt negativePrompt",
        "seconds": "duration seconds durationSeconds duration_seconds",
        "shape": "aspect_ratio aspectRatio",
        "resolution": "resolution mode quality image_size",
        "sound": "sound audio generateAudio generate_audio",
        "size": "ratio",
        "shots": "multi_shot multi_shots",
        "seed": "seed",
        "frames": "num_frames frames",
        "frame rate": "fps",
        "format": "output_format outputFormat",
        "motion": "motion_bucket_id motion",
    }.items()
    for name in names.split()
}
# Members that name the model, the files, or us.
_FILES = """
    url image image_tail image_url image_urls image_input first_frame_url last_frame_url reference_image_urls
    video_url video_urls uri position
"""
# A template's own size, where the model has one.
_SIZE = "width height"
_OTHER = frozenset(
    {"model", "model_name", "pipeline", "type", "id", "external_task_id", "reference", *_FILES.split(), *_SIZE.split()}
)
_VALUES: Mapping[str, Mapping[object, object]] = {
    "resolution": {
        "std": "720p",
        "pro": "1080p",
        "4K": "4k",
        "480P": "480p",
        "720P": "720p",
        "1080P": "1080p",
        "768P": "768p",
        "2K": "2k",
    },
    "sound": {"on": True, "native": True, "off": False},
    "shots": {True: "several", False: "one"},
}
# What a vendor does where the order says nothing, by the route's provider and the beginning of its model.
_DEFAULTS: Mapping[tuple[str, str], Mapping[str, object]] = {
    # https://kling.ai/document-api: `multi_shot` is on in the new dialect. The legacy one makes one shot.
    ("kling", "text-to-video/kling-3.0"): {"shots": "several"},
    ("kling", "image-to-video/kling-3.0"): {"shots": "several"},
    ("kling", "omni-video/kling-3.0"): {"shots": "several"},
    ("kling", "text-to-video/kling-3.0-turbo"): {"shots": "one"},
    ("kling", "image-to-video/kling-3.0-turbo"): {"shots": "one"},
    ("kling_legacy", ""): {"shots": "one"},
    # Kie's 2.6 has no field for the resolution, and Kling makes 2.6 with sound at 1080p only.
    ("kie", "kling-2.6/"): {"resolution": "1080p"},
    ("fal", "fal-ai/longcat-video/text-to-video/720p"): {"resolution": "720p"},
    # 25 frames: https://fal.ai/models/fal-ai/stable-video
    ("fal", "fal-ai/stable-video"): {"seconds": 1},
    ("comfyui", "stable-video"): {"seconds": 1, "frame rate": 25},
}


# Kie's words for the resolutions of Seedream, by the beginning of its model.
_QUALITIES: Mapping[str, Mapping[object, str]] = {
    "seedream/5-pro": {"basic": "1K", "high": "2K"},
    "seedream/5-lite": {"basic": "2K", "high": "3K"},
}
# The pixels of a square or a 16:9 video with these names.
_PIXELS = {
    "480p": 854 * 480,
    "720p": 1280 * 720,
    "1080p": 1920 * 1080,
    "1K": 1024**2,
    "2K": 2048**2,
    "3K": 3072**2,
}


def meaning(model: Model, route: RouteEntry, inputs: Inputs) -> dict[str, object]:
    """The settings of an order, in our words, as a route's vendor gets them."""
    said: dict[str, object] = {}
    for (provider, prefix), defaults in _DEFAULTS.items():
        if provider == route.provider and route.model.startswith(prefix):
            said |= defaults
    for name, value in _leaves(WIRES[route.provider].written(route.model, inputs)):
        if name in _OTHER:
            continue
        setting = _NAMES[name]
        if setting == "size":
            said |= _size(model, value)
        else:
            said[setting] = _word(route, setting, value)
    if "frames" in said:
        # LongCat's endpoint counts the first frame too.
        said["seconds"] = round(int(str(said.pop("frames"))) / int(str(said["frame rate"])))
    if "seconds" in said:
        said["seconds"] = int(str(said["seconds"]).removesuffix("s"))
    return {"shots": "one"} | said


def _word(route: RouteEntry, setting: str, value: object) -> object:
    for prefix, words in _QUALITIES.items():
        if setting == "resolution" and route.model.startswith(prefix):
            return words[value]
    return _VALUES.get(setting, {}).get(value, value)


def _size(model: Model, ratio: str) -> dict[str, object]:
    """What Runway's `ratio` says: a size, an aspect ratio, or a resolution in the shape of the picture."""
    if ratio == "adaptive":
        return {}
    if ratio.startswith("auto_"):
        return {"resolution": ratio.removeprefix("auto_")}
    can = model.capabilities
    width, height = map(int, ratio.split(":"))

    def distance(shape: str) -> float:
        wide, high = map(int, shape.split(":"))
        return abs(width / height - wide / high)

    shape: dict[str, object] = {"shape": min(can.aspect_ratios, key=distance)}
    if ratio in can.aspect_ratios:
        return shape
    return {**shape, "resolution": min(can.resolutions, key=lambda name: abs(width * height - _PIXELS[name]))}


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, member in value.items():
            yield from _leaves(member, key)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, name)
    elif value is not None:
        yield name, value


def orders(model: Model) -> Iterator[Inputs]:
    """The plainest order of a model, and this order with each value of each field."""
    plain = CATALOGUE.order(plainest(model), FACTS).inputs
    yield plain
    for field, values in choices(model).items():
        yield from (plain.model_copy(update={field: value}) for value in values)


@pytest.mark.parametrize("model", MANY, ids=lambda model: model.name)
def test_every_route_of_a_model_orders_the_same(model: Model) -> None:
    for inputs in orders(model):
        first, *others = (meaning(model, route, inputs) for route in model.routes)
        assert first.get("prompt") == (inputs.prompt if model.capabilities.uses_prompt else None)
        for other in others:
            assert other == first


def test_there_are_models_with_several_routes() -> None:
    assert len(MANY) > 3
