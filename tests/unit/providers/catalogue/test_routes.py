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
        "shots": "multi_shot multi_shots",
        "seed": "seed",
        "frames": "num_frames",
        "frame rate": "fps",
        "format": "output_format outputFormat",
    }.items()
    for name in names.split()
}
# Members that name the model, the files, or us.
_FILES = """
    url image image_tail image_url image_urls image_input first_frame_url last_frame_url reference_image_urls
    video_url video_urls
"""
_OTHER = frozenset({"model", "model_name", "type", "id", "external_task_id", "reference", *_FILES.split()})
_VALUES: Mapping[str, Mapping[object, object]] = {
    "resolution": {"std": "720p", "pro": "1080p", "4K": "4k"},
    "sound": {"on": True, "native": True, "off": False},
    "shots": {True: "several", False: "one"},
}
# What a vendor does where the order says nothing, by the route's provider and the beginning of its model.
_DEFAULTS: Mapping[tuple[str, str], Mapping[str, object]] = {
    # https://kling.ai/document-api: `multi_shot` is on in the new dialect. The legacy one makes one shot.
    ("kling", "text-to-video/kling-3.0"): {"shots": "several"},
    ("kling", "image-to-video/kling-3.0"): {"shots": "several"},
    ("kling", "omni-video/kling-3.0"): {"shots": "several"},
    ("kling_legacy", ""): {"shots": "one"},
    # Kie's 2.6 has no field for the resolution, and Kling makes 2.6 with sound at 1080p only.
    ("kie", "kling-2.6/"): {"resolution": "1080p"},
    ("fal", "fal-ai/longcat-video/text-to-video/720p"): {"resolution": "720p"},
}


def meaning(route: RouteEntry, inputs: Inputs) -> dict[str, object]:
    """The settings of an order, in our words, as a route's vendor gets them."""
    said: dict[str, object] = {}
    for (provider, prefix), defaults in _DEFAULTS.items():
        if provider == route.provider and route.model.startswith(prefix):
            said |= defaults
    for name, value in _leaves(WIRES[route.provider].written(route.model, inputs)):
        if name in _OTHER:
            continue
        setting = _NAMES[name]
        said[setting] = _VALUES.get(setting, {}).get(value, value)
    if "frames" in said:
        # LongCat's endpoint counts the first frame too.
        said["seconds"] = round(int(str(said.pop("frames"))) / int(str(said["frame rate"])))
    if "seconds" in said:
        said["seconds"] = int(str(said["seconds"]).removesuffix("s"))
    return {"shots": "one"} | said


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
        first, *others = (meaning(route, inputs) for route in model.routes)
        assert first["prompt"] == inputs.prompt
        for other in others:
            assert other == first


def test_there_are_models_with_several_routes() -> None:
    assert len(MANY) > 3
