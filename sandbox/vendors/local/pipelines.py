"""The configured pipelines: their sizes, frames and inputs.

Sizes and frames of the classes: the docstrings of their `__call__` in diffusers 0.42.1. LTX-Video and Wan accept any
number of frames and round it; the server refuses what is off the grid, and names the nearest.
"""

from dataclasses import dataclass
from typing import Literal

from sandbox.vendors.local.errors import LocalError


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A configured pipeline."""

    name: str
    """The name in requests."""
    class_name: str
    """The class of diffusers."""
    kind: Literal["video", "image"]
    """What the pipeline makes."""
    takes_prompt: bool = True
    """Whether the pipeline takes texts."""
    takes_image: bool = False
    """Whether the pipeline starts from a picture, and needs one."""
    width: int
    """The default width in pixels."""
    height: int
    """The default height in pixels."""
    grid: int
    """Width and height are multiples of this."""
    frames: int = 1
    """The default number of frames."""
    frame_grid: int = 1
    """The number of frames is a multiple of this, and 1."""
    fps: int = 0
    """The default frames a second; 0 for an image."""
    steps: int
    """The default number of steps."""
    options: frozenset[str] = frozenset()
    """The pipeline's own knobs that a request may set."""

    def size(self, name: str, asked: int | None, default: int) -> int:
        """A side in pixels. Raises `LocalError` 422 off the grid."""
        if asked is None:
            return default
        if asked % self.grid:
            nearest = max(self.grid, round(asked / self.grid) * self.grid)
            raise LocalError(
                422, "invalid_request", f"{name}: must be a multiple of {self.grid}; the nearest is {nearest}"
            )
        return asked

    def frame_count(self, asked: int | None) -> int:
        """The number of frames. Raises `LocalError` 422 off the grid."""
        if asked is None or self.kind == "image":
            return self.frames
        if (asked - 1) % self.frame_grid:
            nearest = round((asked - 1) / self.frame_grid) * self.frame_grid + 1
            told = f"num_frames: must be a multiple of {self.frame_grid}, and 1; the nearest is {nearest}"
            raise LocalError(422, "invalid_request", told)
        return asked


PIPELINES = {
    each.name: each
    for each in (
        Pipeline(
            name="stable-video",
            class_name="StableVideoDiffusionPipeline",
            kind="video",
            takes_prompt=False,
            takes_image=True,
            width=1024,
            height=576,
            grid=8,
            frames=25,
            fps=7,
            steps=25,
            options=frozenset({"motion_bucket_id", "noise_aug_strength"}),
        ),
        Pipeline(
            name="ltx-video",
            class_name="LTXPipeline",
            kind="video",
            width=704,
            height=512,
            grid=32,
            frames=161,
            frame_grid=8,
            fps=25,
            steps=50,
        ),
        Pipeline(
            name="wan-2.1",
            class_name="WanPipeline",
            kind="video",
            width=832,
            height=480,
            grid=16,
            frames=81,
            frame_grid=4,
            fps=16,
            steps=50,
        ),
        Pipeline(
            name="sdxl-turbo",
            class_name="StableDiffusionXLPipeline",
            kind="image",
            width=512,
            height=512,
            grid=8,
            steps=1,
        ),
    )
}
"""The pipelines by name."""


def find(name: str) -> Pipeline:
    """The pipeline of this name. Raises `LocalError` 422."""
    found = PIPELINES.get(name)
    if found is None:
        known = ", ".join(sorted(PIPELINES))
        raise LocalError(422, "invalid_request", f"pipeline: unknown. Known: {known}")
    return found
