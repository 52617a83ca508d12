"""Servers of one's own that speak OpenAI's wire for videos: vLLM-Omni and SGLang-diffusion. They bill nothing.

Both keep their videos in memory: after a restart, a video is unknown. Sources: `docs/serving/videos_api.md` and
`vllm_omni/entrypoints/openai/protocol/videos.py` of https://github.com/vllm-project/vllm-omni, and
`multimodal_gen/runtime/entrypoints/openai/video_api.py` of https://github.com/sgl-project/sglang.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from providers.adapters.openai_videos.wire import to_form
from providers.base import InputFile
from providers.http.calls import Form, FormFile
from schemas import media_types
from schemas.orders import Inputs

SEEDS: Final = 2**31
"""The number of seeds that both servers take."""

REFERENCE: Final = "input_reference"

_EXTENSIONS: Final[Mapping[str, str]] = {media.content_type: media.extension for media in media_types.TAKEN}


class Engine(StrEnum):
    """The server behind an account."""

    GATEWAY = "gateway"
    """Any gateway with OpenAI's own fields. It may bill."""

    VLLM_OMNI = "vllm-omni"
    """vLLM-Omni."""

    SGLANG = "sglang"
    """SGLang-diffusion."""


@dataclass(frozen=True)
class Dialect:
    """The differences of a server of one's own."""

    title: str
    """The name in documentation."""

    has_sizes: bool
    """Whether the size is two numbers, `width` and `height`. Otherwise `size` says both."""

    forms_need_file: bool
    """Whether a form without a picture is refused. Then a create without one is JSON, with numbers as numbers."""

    tells_progress: bool
    """Whether an open video tells its state and percentage. Otherwise it is `queued` with 0 until its end."""

    aborts: bool
    """Whether `DELETE` of an open video stops its work. Otherwise the work runs on, without a record."""


DIALECTS: Final[Mapping[Engine, Dialect]] = {
    Engine.VLLM_OMNI: Dialect(
        title="vLLM-Omni", has_sizes=True, forms_need_file=False, tells_progress=True, aborts=True
    ),
    # Its source aborts no job, and requires the file `input_reference` of a form.
    Engine.SGLANG: Dialect(
        title="SGLang-diffusion", has_sizes=False, forms_need_file=True, tells_progress=False, aborts=False
    ),
}


def to_create(
    dialect: Dialect, model: str, inputs: Inputs, file: InputFile | None, *, free_seed: int
) -> Mapping[str, object] | Form:
    """The body of a create at a server of one's own.

    Args:
        free_seed: the seed of an order without one. A server's own seed can be fixed, which makes every such order
            the same.

    Raises:
        ProviderRejected: this version no longer supports the size of an old order.
    """
    fields: dict[str, object] = dict(to_form(model, inputs))
    if dialect.has_sizes:
        width, _, height = str(fields.pop("size")).partition("x")
        fields |= {"width": int(width), "height": int(height)}
    if inputs.duration_seconds is not None and inputs.fps is not None:
        fields["num_frames"] = inputs.duration_seconds * inputs.fps
    own = {
        "negative_prompt": inputs.negative_prompt,
        "seed": free_seed if inputs.seed is None else inputs.seed,
        "fps": inputs.fps,
    }
    fields |= {name: value for name, value in own.items() if value is not None}
    if file is None and dialect.forms_need_file:
        seconds = inputs.duration_seconds
        return fields if seconds is None else {**fields, "seconds": seconds}
    return Form({name: str(value) for name, value in fields.items()}, None if file is None else _reference(file))


def _reference(file: InputFile) -> FormFile:
    name = f"input.{_EXTENSIONS.get(file.content_type, 'bin')}"
    return FormFile(REFERENCE, name, file.content_type, file.content)
