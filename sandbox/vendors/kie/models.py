"""The models of Kie Market in the sandbox.

Field names and limits are those of Kie's model pages. Unknown fields are refused: the sandbox finds a misspelt field
before a vendor bills for it. Prices are near Kie's, which change; nothing should depend on the amounts.
"""

from sandbox.task import JsonObject
from sandbox.vendors.kie.errors import KieError
from sandbox.vendors.kie.images import NanoBanana, NanoBanana2, NanoBanana2Lite, NanoBananaEdit, NanoBananaPro
from sandbox.vendors.kie.inputs import KieInput, read_as
from sandbox.vendors.kie.videos import GeminiOmni, Kling3, KlingImageToVideo, KlingTextToVideo

_MODELS: dict[str, type[KieInput]] = {
    "google/nano-banana": NanoBanana,
    "google/nano-banana-edit": NanoBananaEdit,
    "nano-banana-pro": NanoBananaPro,
    "nano-banana-2": NanoBanana2,
    "nano-banana-2-lite": NanoBanana2Lite,
    "kling-2.6/text-to-video": KlingTextToVideo,
    "kling-2.6/image-to-video": KlingImageToVideo,
    "kling-3.0/video": Kling3,
    "gemini-omni-video": GeminiOmni,
}
# Kie still listed this model after 2026-06-11, and refused every create with this text.
_PAUSED = frozenset({"sora-2-text-to-video"})


def read_input(model: str | None, fields: JsonObject) -> KieInput:
    """The validated input. Raises `KieError`: 500 for a missing or paused model, 422 for anything else."""
    if not model:
        raise KieError(500, "The model field is missing from the request body")
    if model in _PAUSED:
        raise KieError(500, f"The model {model} is temporarily paused")
    if model not in _MODELS:
        raise KieError(422, f"The model {model} is not supported; known are {', '.join(_MODELS)}")
    return read_as(_MODELS[model], fields, "input")
