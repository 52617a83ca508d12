"""The classes of diffusers that the server may load, and how each is called.

Sizes, frames and defaults are those of diffusers 0.42.1: the checks and signatures of each pipeline's `__call__`.
`tests/gpu/test_classes.py` compares this table with the installed signatures.
"""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

Kind = Literal["video", "image"]


@dataclass(frozen=True)
class Knob:
    """A number of a pipeline's own that a request may set, where the configuration allows the knob."""

    least: float
    """The smallest value."""
    most: float
    """The largest value."""
    is_whole: bool = False
    """Whether only whole numbers are legal."""


@dataclass(frozen=True)
class PipelineClass:
    """One class of diffusers."""

    name: str
    """The name of the class in diffusers."""
    kind: Kind
    """The kind of result."""
    width: int
    """Pixels, where neither the configuration nor the request says otherwise."""
    height: int
    """Pixels, likewise."""
    steps: int
    """Denoising steps, likewise."""
    size_multiple: int
    """Width and height are multiples of this number of pixels."""
    least_steps: int = 1
    """The fewest steps."""
    guidance: float | None = None
    """The default guidance. None: the pipeline takes none."""
    guidance_argument: str = "guidance_scale"
    """The argument that takes the guidance."""
    num_frames: int | None = None
    """The default number of frames. None: an image."""
    frame_step: int = 1
    """A number of frames is a multiple of this number plus one. 1: every number is legal."""
    fps: int | None = None
    """Frames in a second of the file. None: an image."""
    fps_argument: str | None = None
    """The argument that takes the frames in a second, where the pipeline is conditioned on them."""
    takes_prompt: bool = True
    """Whether the pipeline takes a prompt, which a request must then have."""
    takes_negative_prompt: bool = True
    """Whether the pipeline takes a negative prompt."""
    takes_image: bool = False
    """Whether the pipeline starts from a picture, which a request must then have."""
    takes_size: bool = True
    """Whether `width` and `height` are arguments. Else the pipeline takes its size from the picture."""
    tells_steps: bool = True
    """Whether the pipeline calls `callback_on_step_end`. Else a job has no progress, and a cancel waits for its end."""
    loads: tuple[str, ...] = ()
    """Other classes in `model_index.json` whose weights this class loads."""
    knobs: MappingProxyType[str, Knob] = field(default_factory=lambda: MappingProxyType({}))
    """What a configuration may allow in `options`."""

    @property
    def index_classes(self) -> frozenset[str]:
        """The classes in `model_index.json` that this class accepts."""
        return frozenset({self.name, *self.loads})


def _video(name: str, width: int, height: int, **facts: object) -> PipelineClass:
    return PipelineClass(name, "video", width, height, **facts)  # type: ignore[arg-type]


def _image(name: str, width: int, height: int, **facts: object) -> PipelineClass:
    return PipelineClass(name, "image", width, height, **facts)  # type: ignore[arg-type]


_SVD_KNOBS = MappingProxyType(
    {
        "motion_bucket_id": Knob(1, 255, is_whole=True),
        "noise_aug_strength": Knob(0, 10),
        "min_guidance_scale": Knob(0, 20),
        "decode_chunk_size": Knob(1, 1000, is_whole=True),
    }
)
_LTX_KNOBS = MappingProxyType(
    {"guidance_rescale": Knob(0, 1), "decode_timestep": Knob(0, 1), "decode_noise_scale": Knob(0, 1)}
)
# With one step, the scheduler of LTX divides by zero (`shift_terminal`).
_LTX = {"steps": 50, "least_steps": 2, "guidance": 3.0, "size_multiple": 32, "num_frames": 161, "frame_step": 8,
        "fps": 25, "fps_argument": "frame_rate", "knobs": _LTX_KNOBS}  # fmt: skip
_WAN = {"steps": 50, "guidance": 5.0, "size_multiple": 16, "num_frames": 81, "frame_step": 4, "fps": 16,
        "knobs": MappingProxyType({"guidance_scale_2": Knob(0, 20)})}  # fmt: skip
# The checks of CogVideoX ask for multiples of 8; its transformer then cuts the latents into pairs, so 16 is the grid.
_COG = {"steps": 50, "guidance": 6.0, "size_multiple": 16, "num_frames": 49, "frame_step": 4, "fps": 8}

_ALL = (
    # The check asks for multiples of 8. The weights halve the latents three times without padding, so 64 is the grid.
    _video(
        "StableVideoDiffusionPipeline", 1024, 576, steps=25, guidance=3.0, guidance_argument="max_guidance_scale",
        size_multiple=64, num_frames=25, fps=7, fps_argument="fps", takes_prompt=False, takes_negative_prompt=False,
        takes_image=True, knobs=_SVD_KNOBS,
    ),
    _video("LTXPipeline", 704, 512, loads=("LTXImageToVideoPipeline",), **_LTX),
    _video("LTXImageToVideoPipeline", 704, 512, takes_image=True, loads=("LTXPipeline",), **_LTX),
    _video("WanPipeline", 832, 480, **_WAN),
    _video("WanImageToVideoPipeline", 832, 480, takes_image=True, **_WAN),
    _video("CogVideoXPipeline", 720, 480, **_COG),
    _video("CogVideoXImageToVideoPipeline", 720, 480, takes_image=True, **_COG),
    _video(
        "HunyuanVideo15Pipeline", 848, 480, steps=50, size_multiple=16, num_frames=121, frame_step=4, fps=24,
        tells_steps=False,
    ),
    _video(
        "HunyuanVideo15ImageToVideoPipeline", 848, 480, steps=50, size_multiple=16, num_frames=121, frame_step=4,
        fps=24, takes_image=True, takes_size=False, tells_steps=False,
    ),
    _video(
        "HunyuanVideoPipeline", 1280, 720, steps=50, guidance=6.0, size_multiple=16, num_frames=129, frame_step=4,
        fps=15, knobs=MappingProxyType({"true_cfg_scale": Knob(1, 20)}),
    ),
    _video("MochiPipeline", 848, 480, steps=64, guidance=4.5, size_multiple=16, num_frames=19, frame_step=6, fps=30),
    _image(
        "FluxPipeline", 1024, 1024, steps=28, guidance=3.5, size_multiple=16,
        knobs=MappingProxyType({"true_cfg_scale": Knob(1, 20)}),
    ),
    _image(
        "StableDiffusionXLPipeline", 1024, 1024, steps=50, guidance=5.0, size_multiple=8,
        knobs=MappingProxyType({"guidance_rescale": Knob(0, 1), "clip_skip": Knob(0, 10, is_whole=True)}),
    ),
    _image("StableDiffusion3Pipeline", 1024, 1024, steps=28, guidance=7.0, size_multiple=16),
    _image("StableDiffusionPipeline", 512, 512, steps=50, guidance=7.5, size_multiple=8),
    _image(
        "QwenImagePipeline", 1024, 1024, steps=50, guidance=4.0, guidance_argument="true_cfg_scale", size_multiple=16,
    ),
    _image("ZImagePipeline", 1024, 1024, steps=50, guidance=5.0, size_multiple=16),
)  # fmt: skip

CLASSES: Final = MappingProxyType({each.name: each for each in _ALL})
"""The allow-list, by name."""
