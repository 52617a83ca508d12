"""The models of Kie Market in the sandbox.

Field names and limits are those of Kie's model pages. Unknown fields are refused: the sandbox finds a misspelt field
before a vendor bills for it. Prices are near Kie's, which change; nothing should depend on the amounts.
"""

from sandbox.task import JsonObject
from sandbox.vendors.kie import market_images as newer_images
from sandbox.vendors.kie import market_videos as newer_videos
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
    "bytedance/seedance-2": newer_videos.Seedance2,
    "bytedance/seedance-2-fast": newer_videos.Seedance2Fast,
    "bytedance/seedance-2-mini": newer_videos.Seedance2Mini,
    "bytedance/seedance-2-5": newer_videos.Seedance25,
    "minimax-h3/text-to-video": newer_videos.MinimaxText,
    "minimax-h3/image-to-video": newer_videos.MinimaxImage,
    "wan/3-0-video": newer_videos.Wan3,
    "wan/3-0-video-prime": newer_videos.Wan3Prime,
    "happyhorse-1-1/text-to-video": newer_videos.HappyHorseText,
    "happyhorse-1-1/image-to-video": newer_videos.HappyHorseImage,
    "happyhorse-1-1/reference-to-video": newer_videos.HappyHorseReference,
    "grok-imagine-video-1-5-preview": newer_videos.GrokImagine,
    "pixverse-v6/text-to-video": newer_videos.PixverseText,
    "pixverse-v6/image-to-video": newer_videos.PixverseImage,
    "kling/v3-turbo-text-to-video": newer_videos.KlingTurboText,
    "kling/v3-turbo-image-to-video": newer_videos.KlingTurboImage,
    "kling-3.0-omni/text-to-video": newer_videos.KlingOmniText,
    "kling-3.0-omni/image-to-video": newer_videos.KlingOmniImage,
    "seedream/5-pro-text-to-image": newer_images.Seedream5Pro,
    "seedream/5-pro-image-to-image": newer_images.Seedream5ProEdit,
    "seedream/5-lite-text-to-image": newer_images.Seedream5Lite,
    "seedream/5-lite-image-to-image": newer_images.Seedream5LiteEdit,
    "flux-2/pro-text-to-image": newer_images.Flux2Pro,
    "flux-2/pro-image-to-image": newer_images.Flux2ProEdit,
    "flux-2/flex-text-to-image": newer_images.Flux2Flex,
    "flux-2/flex-image-to-image": newer_images.Flux2FlexEdit,
    "qwen3/text-to-image": newer_images.Qwen3,
    "qwen3/image-to-image": newer_images.Qwen3Edit,
    "qwen3/pro-text-to-image": newer_images.Qwen3Pro,
    "qwen3/pro-image-to-image": newer_images.Qwen3ProEdit,
    "gpt-image-2-text-to-image": newer_images.GptImage2,
    "gpt-image-2-image-to-image": newer_images.GptImage2Edit,
    "gpt-image-2-5-flare-text-to-image": newer_images.GptImage25,
    "gpt-image-2-5-flare-image-to-image": newer_images.GptImage25Edit,
    "gpt-image-2-5-sunburst-text-to-image": newer_images.GptImage25,
    "gpt-image-2-5-sunburst-image-to-image": newer_images.GptImage25Edit,
    "grok-imagine-image-2-0/text-to-image": newer_images.GrokImagineImage,
    "grok-imagine-image-2-0/image-edit": newer_images.GrokImagineEdit,
    "nano-banana-2-1": newer_images.NanoBanana21,
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
