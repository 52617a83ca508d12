"""Calls a pipeline for one job, and writes its result."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from model_server.configuration import Pipeline
from model_server.encoding import write_image, write_video
from model_server.errors import FailureCode, JobFailed
from model_server.jobs import Job, ResultFile
from model_server.loading import Runnable


class Stopped(Exception):
    """The call was ended from outside, between two steps."""


def generate(
    job: Job, pipeline: Pipeline, loaded: Runnable, *, picture: bytes | None, after_step: Callable[[int], bool]
) -> list[Image.Image]:
    """Make the frames of a video, or the one image.

    Args:
        picture: RGB of the job's size. None: the pipeline starts from none.
        after_step: told the number of finished steps. Returns whether the call must stop.

    Raises:
        Stopped: `after_step` said so.
        JobFailed: the pipeline's own checker refused the result.
        Exception: anything that the pipeline raises.
    """
    arguments = _arguments(job, pipeline, picture)
    if pipeline.kind.tells_steps:
        arguments["callback_on_step_end"] = _callback(after_step)
    try:
        result = loaded(**arguments)
    except BaseException:
        # A pipeline does this only at its own end.
        loaded.maybe_free_model_hooks()
        raise
    if any(getattr(result, "nsfw_content_detected", None) or ()):
        raise JobFailed(FailureCode.CONTENT_REJECTED, "the safety checker of the pipeline refused the result")
    return list(result.frames[0] if pipeline.kind.kind == "video" else result.images[:1])


def write(path: Path, job: Job, images: list[Image.Image], *, threads: int) -> ResultFile:
    """Write the result. `threads`: the encoder's."""
    comment = f"made by {job.pipeline} with seed {job.work.seed}"
    if job.work.fps is None:
        return write_image(path, images[0], comment=comment)
    return write_video(path, images, fps=job.work.fps, comment=comment, threads=threads)


def _arguments(job: Job, pipeline: Pipeline, picture: bytes | None) -> dict[str, Any]:
    import torch

    work, kind = job.work, pipeline.kind
    # The noise of the CPU's generator is the same on every device.
    generator = torch.Generator("cpu").manual_seed(work.seed)
    arguments = {**pipeline.arguments, "num_inference_steps": work.steps, "generator": generator, "output_type": "pil"}
    if kind.takes_size:
        arguments |= {"width": work.width, "height": work.height}
    if kind.takes_prompt:
        arguments["prompt"] = work.prompt
    if kind.takes_negative_prompt and work.negative_prompt is not None:
        arguments["negative_prompt"] = work.negative_prompt
    if picture is not None:
        arguments["image"] = Image.frombytes("RGB", (work.width, work.height), picture)
    if work.guidance is not None:
        arguments[kind.guidance_argument] = work.guidance
    if work.num_frames is not None:
        arguments["num_frames"] = work.num_frames
    if kind.fps_argument is not None:
        arguments[kind.fps_argument] = work.fps
    return {**arguments, **work.options}


def _callback(after_step: Callable[[int], bool]) -> Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]:
    def after(_pipeline: Any, index: int, _timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        if after_step(index + 1):
            raise Stopped
        return values

    return after
