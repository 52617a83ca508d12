"""The values of an order for the marked inputs of a template."""

import re
from collections.abc import Sequence
from typing import Final

from pydantic import JsonValue

from providers.adapters.comfyui.workflows import Named, Workflow
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

# Latents have cells of 8 or 16 pixels; nodes of models with larger cells round down by themselves.
_GRID: Final = 16
# A template's own size that nearly has the ordered shape stays: 1280 x 704 is 16:9.
_NEARLY: Final = 0.05
_SHAPE: Final = re.compile(r"(\d{1,3}):(\d{1,3})")
# https://docs.comfy.org/built-in-nodes/SVD_img2vid_Conditioning: `motion_bucket_id`. Hosts of the model take 1 to 255.
_MOST_MOTION: Final = 255


def values_for(
    workflow: Workflow, inputs: Inputs, *, images: Sequence[str], free_seed: int
) -> dict[Named, list[JsonValue]]:
    """The values of an order, for the fields that the template marks.

    Args:
        images: the names of the uploaded pictures, in the order's order.
        free_seed: the seed of an order without one. The template's own seed would make every such order the same.
    """
    given: dict[Named, list[JsonValue]] = {}
    width, height = _size(workflow, inputs)
    fps = inputs.fps or workflow.own(Named.FPS)
    for name, value in (
        (Named.PROMPT, inputs.prompt),
        (Named.NEGATIVE_PROMPT, inputs.negative_prompt),
        (Named.WIDTH, width),
        (Named.HEIGHT, height),
        (Named.FPS, inputs.fps),
        (Named.FRAMES, None if inputs.duration_seconds is None or fps is None else _frames(workflow, inputs, fps)),
        (Named.SEED, free_seed if inputs.seed is None else inputs.seed),
        (Named.MOTION, None if inputs.motion is None else 1 + round(inputs.motion * (_MOST_MOTION - 1))),
    ):
        if value is not None:
            given[name] = [value]
    if images:
        given[Named.IMAGE] = [*images]
    return {name: values for name, values in given.items() if name in workflow.places}


def require_marks(workflow: Workflow, inputs: Inputs) -> None:
    """Check that the template takes all that an order asks for. It would ignore the rest in silence.

    Raises:
        ProviderRejected: a mark is missing, or no mark stands for the setting; the text names it.
    """
    file = f"{workflow.name}.json"
    asked = {
        Named.NEGATIVE_PROMPT: inputs.negative_prompt,
        Named.WIDTH: inputs.aspect_ratio,
        Named.HEIGHT: inputs.aspect_ratio,
        Named.FRAMES: inputs.duration_seconds,
        Named.SEED: inputs.seed,
        Named.FPS: inputs.fps,
        Named.MOTION: inputs.motion,
    }
    unmarked = [name for name, value in asked.items() if value is not None and name not in workflow.places]
    if unmarked:
        raise ProviderRejected(f"the workflow {file} marks no node for {', '.join(unmarked)}")
    others = {
        "a resolution (its own size has one)": inputs.resolution,
        "input videos": inputs.video_urls,
        "sound": inputs.audio,
        "a rewritten prompt": inputs.enhance_prompt,
    }
    if unknown := [name for name, value in others.items() if value]:
        raise ProviderRejected(f"no mark of a workflow stands for {', '.join(unknown)}: {file} cannot follow it")
    if inputs.aspect_ratio is not None and _SHAPE.fullmatch(inputs.aspect_ratio) is None:
        raise ProviderRejected(f"the workflow {file} takes an aspect ratio of two numbers, such as 16:9")
    places = len(workflow.places.get(Named.IMAGE, ()))
    if len(inputs.image_urls) != places:
        text = f"the workflow {file} takes {places} pictures, and the order has {len(inputs.image_urls)}"
        raise ProviderRejected(text)


def _frames(workflow: Workflow, inputs: Inputs, fps: float) -> int:
    """The frames of a video and the first one: models make a multiple of 4 or 8, and 1. Nodes round down to it.

    The template's own number stays where it has the ordered length but for one frame.
    """
    wanted, own = round((inputs.duration_seconds or 0) * fps), workflow.own(Named.FRAMES)
    return round(own) if own is not None and abs(own - wanted) <= 1 else wanted + 1


def _size(workflow: Workflow, inputs: Inputs) -> tuple[int | None, int | None]:
    """The size of an order in its shape, with the area of the template. None: the template's own size."""
    width, height = workflow.own(Named.WIDTH), workflow.own(Named.HEIGHT)
    shape = _SHAPE.fullmatch(inputs.aspect_ratio or "")
    if width is None or height is None or shape is None:
        return None, None
    ratio = int(shape[1]) / int(shape[2])
    for wide, high in ((width, height), (height, width)):
        if abs(wide / high / ratio - 1) <= _NEARLY:
            return round(wide), round(high)
    area = width * height
    return _on_grid((area * ratio) ** 0.5), _on_grid((area / ratio) ** 0.5)


def _on_grid(side: float) -> int:
    return max(_GRID, round(side / _GRID) * _GRID)
