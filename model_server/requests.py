"""The body of `POST /v1/jobs`: its fields, and what a pipeline makes of them."""

import base64
import binascii
import hashlib
import json
import secrets
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from model_server.configuration import Configuration, Pipeline
from model_server.errors import CallRefused, invalid
from model_server.jobs import Work

MAX_PICTURE_BYTES: Final = 20 * 2**20
"""The most bytes of a picture."""
MAX_BODY_BYTES: Final = MAX_PICTURE_BYTES * 4 // 3 + 2**20
"""The most bytes of a body: a picture in base64, and the texts."""

_MAX_TEXT = 20_000
_MAX_SEED = 2**31 - 1


class CreateJob(BaseModel):
    """The body of a create."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    pipeline: str = Field(max_length=64)
    reference: str = Field(min_length=1, max_length=200)
    prompt: str | None = Field(default=None, max_length=_MAX_TEXT)
    negative_prompt: str | None = Field(default=None, max_length=_MAX_TEXT)
    image: str | None = None
    width: int | None = Field(default=None, gt=0, le=100_000)
    height: int | None = Field(default=None, gt=0, le=100_000)
    num_frames: int | None = Field(default=None, gt=0, le=100_000)
    fps: int | None = Field(default=None, gt=0, le=120)
    steps: int | None = Field(default=None, gt=0, le=100_000)
    guidance: float | None = Field(default=None, ge=0, le=100, allow_inf_nan=False)
    seed: int | None = Field(default=None, ge=0, le=_MAX_SEED)
    options: dict[str, int | float] = Field(default_factory=dict, max_length=32)
    webhook_url: str | None = Field(default=None, max_length=2000)

    @field_validator("reference")
    @classmethod
    def _is_printable(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must have printable characters only")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("must be an http or https URL")
        return value


def read(body: bytes) -> tuple[CreateJob, str]:
    """The body's fields, and the digest that tells two bodies apart.

    Raises:
        CallRefused: 400, the body is no JSON object; 422, a field is wrong.
    """
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise CallRefused(400, "bad_request", "the body must be a JSON object") from None
    if not isinstance(document, dict):
        raise CallRefused(400, "bad_request", "the body must be a JSON object")
    try:
        create = CreateJob.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "body"
        raise invalid(field, first["msg"].removeprefix("Value error, ")) from None
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    return create, hashlib.sha256(canonical).hexdigest()


def work_of(create: CreateJob, configuration: Configuration) -> Work:
    """The request with its defaults.

    Raises:
        CallRefused: 422, the pipeline is unknown, or cannot do what the request asks. The message names the field and
            the nearest legal value.
    """
    pipeline = configuration.pipelines.get(create.pipeline)
    if pipeline is None:
        raise invalid("pipeline", f"unknown. Known: {', '.join(configuration.pipelines)}")
    if create.webhook_url is not None and configuration.server.webhook_key is None:
        raise invalid("webhook_url", "this server has no key to sign webhooks with: leave the field out")
    _check_texts(create, pipeline)
    width, height = _size(create, pipeline)
    frames, fps = _frames(create, pipeline)
    steps = create.steps or pipeline.default_steps
    if not pipeline.kind.least_steps <= steps <= pipeline.most_steps:
        raise invalid("steps", f"from {pipeline.kind.least_steps} to {pipeline.most_steps}")
    if create.guidance is not None and pipeline.kind.guidance is None:
        raise invalid("guidance", f"{create.pipeline} takes none")
    takes_prompt = pipeline.kind.takes_prompt
    negative = create.negative_prompt if create.negative_prompt is not None else pipeline.negative_prompt
    return Work(
        prompt=create.prompt if takes_prompt else None,
        negative_prompt=negative if pipeline.kind.takes_negative_prompt else None,
        has_picture=create.image is not None,
        width=width,
        height=height,
        num_frames=frames,
        fps=fps,
        steps=steps,
        guidance=pipeline.default_guidance if create.guidance is None else create.guidance,
        seed=secrets.randbelow(_MAX_SEED + 1) if create.seed is None else create.seed,
        options=_options(create, pipeline),
    )


def picture_of(create: CreateJob) -> bytes | None:
    """The bytes of the picture's file.

    Raises:
        CallRefused: 413, the file is too large; 422, the field is no base64.
    """
    if create.image is None:
        return None
    try:
        picture = base64.b64decode(create.image, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("image", "must be base64, without a data: prefix and line breaks") from None
    if len(picture) > MAX_PICTURE_BYTES:
        raise CallRefused(413, "content_too_large", f"image: at most {MAX_PICTURE_BYTES} bytes")
    return picture


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _check_texts(create: CreateJob, pipeline: Pipeline) -> None:
    kind = pipeline.kind
    if kind.takes_prompt and not (create.prompt or "").strip():
        raise invalid("prompt", f"{create.pipeline} needs one")
    if not kind.takes_prompt and create.prompt:
        raise invalid("prompt", f"{create.pipeline} takes none")
    if not kind.takes_negative_prompt and create.negative_prompt:
        raise invalid("negative_prompt", f"{create.pipeline} takes none")
    if kind.takes_image and create.image is None:
        raise invalid("image", f"{create.pipeline} starts from a picture")
    if not kind.takes_image and create.image is not None:
        raise invalid("image", f"{create.pipeline} takes none")


def _size(create: CreateJob, pipeline: Pipeline) -> tuple[int, int]:
    width = create.width or pipeline.default_width
    height = create.height or pipeline.default_height
    grid = pipeline.size_grid
    if not grid.allows(width, height):
        field = "width" if create.width and (width % grid.multiple or not create.height) else "height"
        wide, high = grid.nearest(width, height)
        raise invalid(
            field,
            f"{width}x{height} is not legal: width and height are multiples of {grid.multiple}, and a frame has at most"
            f" {grid.max_pixels} pixels. {wide}x{high} is the nearest legal size",
        )
    return width, height


def _frames(create: CreateJob, pipeline: Pipeline) -> tuple[int | None, int | None]:
    if pipeline.kind.kind == "image":
        for field in ("num_frames", "fps"):
            if getattr(create, field) is not None:
                raise invalid(field, f"{create.pipeline} makes images")
        return None, None
    frames, grid = create.num_frames or pipeline.default_frames or 1, pipeline.frame_grid
    if not grid.allows(frames):
        rule = f" and a multiple of {grid.step} plus 1" if grid.step > 1 else ""
        nearest = grid.nearest(frames)
        raise invalid(
            "num_frames",
            f"{frames} is not legal: at most {grid.max_frames}{rule}. {nearest} is the nearest legal number",
        )
    return frames, create.fps or pipeline.default_fps


def _options(create: CreateJob, pipeline: Pipeline) -> dict[str, Any]:
    options = {}
    for name, value in create.options.items():
        if name not in pipeline.options:
            allowed = ", ".join(sorted(pipeline.options)) or "none"
            raise invalid(f"options.{name}", f"not allowed for {create.pipeline}. Allowed: {allowed}")
        knob = pipeline.kind.knobs[name]
        if not knob.least <= value <= knob.most or (knob.is_whole and value != int(value)):
            whole = "a whole number " if knob.is_whole else ""
            raise invalid(f"options.{name}", f"must be {whole}from {knob.least:g} to {knob.most:g}")
        options[name] = int(value) if knob.is_whole else float(value)
    return options
