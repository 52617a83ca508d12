"""The node classes that the simulated server has: the fields of each, and whether it saves a file.

Names and fields: https://docs.comfy.org/built-in-nodes. `EmptyImage` and `SaveImage` are as recorded from a server.
`RWSteps` is the recorded server's own test node: it counts `steps`, each of `seconds`, and fails on request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

_LARGEST_SEED = 2**64 - 1
_LARGEST_SIDE = 16384


@dataclass(frozen=True, kw_only=True)
class Field:
    """An input of a node."""

    type: str
    """`INT`, `FLOAT`, `STRING`, `BOOLEAN`, `COMBO`, or the type of a link: `IMAGE`, `MODEL`, …"""
    default: JsonValue = None
    """The value in the editor."""
    least: float | None = None
    """The least number."""
    most: float | None = None
    """The greatest number."""
    step: float | None = None
    """The editor's step of a number."""
    is_required: bool = True
    """Whether a graph without the field is refused."""

    @property
    def is_link(self) -> bool:
        """Whether the value is another node's output."""
        return self.type not in {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}

    @property
    def config(self) -> list[JsonValue]:
        """The field as the server describes it: its type and the limits."""
        limits = {"default": self.default, "min": self.least, "max": self.most, "step": self.step}
        return [self.type, {name: value for name, value in limits.items() if value is not None}]


@dataclass(frozen=True, kw_only=True)
class NodeClass:
    """A kind of node."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    """The inputs by name."""
    returns: tuple[str, ...] = ()
    """The types of the outputs."""
    saves: Literal["png", "mp4"] | None = None
    """The format of the file that the node saves. None: the node saves none, and alone it is no output."""


def _side(default: int, step: int, *, least: int = 16) -> Field:
    return Field(type="INT", default=default, least=least, most=_LARGEST_SIDE, step=step)


def _count(default: int, *, least: int = 1, most: int = 4096, step: int = 1) -> Field:
    return Field(type="INT", default=default, least=least, most=most, step=step)


def _number(default: float, *, least: float = 0.0, most: float = 100.0, step: float = 0.01) -> Field:
    return Field(type="FLOAT", default=default, least=least, most=most, step=step)


def _link(kind: str, *, is_required: bool = True) -> Field:
    return Field(type=kind, is_required=is_required)


_TEXT = Field(type="STRING", default="")
_CHOICE = Field(type="COMBO")
_SEED = Field(type="INT", default=0, least=0, most=_LARGEST_SEED)

CLASSES: Mapping[str, NodeClass] = {
    "EmptyImage": NodeClass(
        fields={
            "width": Field(type="INT", default=512, least=1, most=_LARGEST_SIDE, step=1),
            "height": Field(type="INT", default=512, least=1, most=_LARGEST_SIDE, step=1),
            "batch_size": _count(1),
            "color": Field(type="INT", default=0, least=0, most=0xFFFFFF, step=1),
        },
        returns=("IMAGE",),
    ),
    "RWSteps": NodeClass(
        fields={
            "images": _link("IMAGE"),
            "steps": _count(4),
            "seconds": _number(0.1),
            "seed": _SEED,
            "fail": Field(type="BOOLEAN", default=False),
        },
        returns=("IMAGE",),
    ),
    "SaveImage": NodeClass(
        fields={"images": _link("IMAGE"), "filename_prefix": Field(type="STRING", default="ComfyUI")}, saves="png"
    ),
    "SaveVideo": NodeClass(
        fields={
            "video": _link("VIDEO"),
            "filename_prefix": Field(type="STRING", default="video/ComfyUI"),
            "format": _CHOICE,
            "codec": _CHOICE,
        },
        saves="mp4",
    ),
    "CreateVideo": NodeClass(
        fields={"images": _link("IMAGE"), "fps": _number(30.0, least=1.0, most=120.0, step=1.0)}, returns=("VIDEO",)
    ),
    "LoadImage": NodeClass(fields={"image": _CHOICE}, returns=("IMAGE", "MASK")),
    "CheckpointLoaderSimple": NodeClass(fields={"ckpt_name": _CHOICE}, returns=("MODEL", "CLIP", "VAE")),
    "ImageOnlyCheckpointLoader": NodeClass(fields={"ckpt_name": _CHOICE}, returns=("MODEL", "CLIP_VISION", "VAE")),
    "UNETLoader": NodeClass(fields={"unet_name": _CHOICE, "weight_dtype": _CHOICE}, returns=("MODEL",)),
    "CLIPLoader": NodeClass(fields={"clip_name": _CHOICE, "type": _CHOICE}, returns=("CLIP",)),
    "VAELoader": NodeClass(fields={"vae_name": _CHOICE}, returns=("VAE",)),
    "CLIPTextEncode": NodeClass(fields={"text": _TEXT, "clip": _link("CLIP")}, returns=("CONDITIONING",)),
    "EmptyLatentImage": NodeClass(
        fields={"width": _side(512, 8), "height": _side(512, 8), "batch_size": _count(1)}, returns=("LATENT",)
    ),
    "EmptySD3LatentImage": NodeClass(
        fields={"width": _side(1024, 16), "height": _side(1024, 16), "batch_size": _count(1)}, returns=("LATENT",)
    ),
    "EmptyHunyuanLatentVideo": NodeClass(
        fields={
            "width": _side(848, 16),
            "height": _side(480, 16),
            "length": _count(25, most=_LARGEST_SIDE, step=4),
            "batch_size": _count(1),
        },
        returns=("LATENT",),
    ),
    "EmptyLTXVLatentVideo": NodeClass(
        fields={
            "width": _side(768, 32, least=64),
            "height": _side(512, 32, least=64),
            "length": _count(97, most=_LARGEST_SIDE, step=8),
            "batch_size": _count(1),
        },
        returns=("LATENT",),
    ),
    "Wan22ImageToVideoLatent": NodeClass(
        fields={
            "vae": _link("VAE"),
            "width": _side(1280, 32, least=32),
            "height": _side(704, 32, least=32),
            "length": _count(49, most=_LARGEST_SIDE, step=4),
            "batch_size": _count(1),
            "start_image": _link("IMAGE", is_required=False),
        },
        returns=("LATENT",),
    ),
    "LTXVConditioning": NodeClass(
        fields={
            "positive": _link("CONDITIONING"),
            "negative": _link("CONDITIONING"),
            "frame_rate": _number(25.0, most=1000.0),
        },
        returns=("CONDITIONING", "CONDITIONING"),
    ),
    "SVD_img2vid_Conditioning": NodeClass(
        fields={
            "clip_vision": _link("CLIP_VISION"),
            "init_image": _link("IMAGE"),
            "vae": _link("VAE"),
            "width": _side(1024, 8),
            "height": _side(576, 8),
            "video_frames": _count(14),
            "motion_bucket_id": _count(127, most=1023),
            "fps": _count(6, most=1024),
            "augmentation_level": _number(0.0, most=10.0),
        },
        returns=("CONDITIONING", "CONDITIONING", "LATENT"),
    ),
    "ModelSamplingAuraFlow": NodeClass(fields={"model": _link("MODEL"), "shift": _number(1.73)}, returns=("MODEL",)),
    "ModelSamplingSD3": NodeClass(fields={"model": _link("MODEL"), "shift": _number(3.0)}, returns=("MODEL",)),
    "KSampler": NodeClass(
        fields={
            "model": _link("MODEL"),
            "seed": _SEED,
            "steps": _count(20, most=10000),
            "cfg": _number(8.0),
            "sampler_name": _CHOICE,
            "scheduler": _CHOICE,
            "positive": _link("CONDITIONING"),
            "negative": _link("CONDITIONING"),
            "latent_image": _link("LATENT"),
            "denoise": _number(1.0, most=1.0),
        },
        returns=("LATENT",),
    ),
    "VAEDecode": NodeClass(fields={"samples": _link("LATENT"), "vae": _link("VAE")}, returns=("IMAGE",)),
}
