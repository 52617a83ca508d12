"""The wire of the model server as data and pure functions: bodies, states, errors.

Source: docs/model-server.md. The rules for frames are those of the pipelines of diffusers 0.42.1
(`pipelines/ltx/pipeline_ltx.py`, `pipelines/wan/pipeline_wan.py`,
`pipelines/stable_video_diffusion/pipeline_stable_video_diffusion.py`).

The length is sent, because the customer orders it. Width, height, steps and guidance are not: the owner of the server
has configured them for the memory of the GPU.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, JsonValue, StringConstraints

from providers.adapters.payload import Lenient, Measurement, Payload, Report, fraction, texts
from providers.adapters.results import failed, finished
from providers.adapters.words import no_news, read_status
from providers.base import Cancellation, InputFile, RemoteState, RemoteStatus
from schemas.enums import ErrorCode
from schemas.names import ProviderName
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

JOBS: Final = "/v1/jobs"
PIPELINES: Final = "/v1/pipelines"


class Takes(StrEnum):
    """An input that a pipeline may take, besides the length and the seed."""

    PROMPT = "prompt"
    NEGATIVE_PROMPT = "negative_prompt"
    IMAGE = "image"
    MOTION = "motion"


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The inputs of a pipeline of the catalogue."""

    takes: frozenset[Takes]
    """The inputs. The server refuses others."""

    frame_rate: int | None = None
    """The frames of one second of video. None: the pipeline makes images."""

    frame_grid: int = 1
    """A video has a multiple of this number of frames, and one more. 1: any number."""


_TEXTS = frozenset({Takes.PROMPT, Takes.NEGATIVE_PROMPT})
# Stable Video Diffusion takes a picture and no text. LTX-Video makes 8k+1 frames, Wan 4k+1, by the compression in time
# of their VAE. Their frame rates: 25 (`frame_rate` of `LTXPipeline`), 16 (the examples of `WanPipeline`), and 25 frames
# of one second for Stable Video Diffusion XT (`num_frames` of its `config.json`).
KNOWN: Final[Mapping[str, Pipeline]] = {
    "stable-video": Pipeline(takes=frozenset({Takes.IMAGE, Takes.MOTION}), frame_rate=25),
    "ltx-video": Pipeline(takes=_TEXTS, frame_rate=25, frame_grid=8),
    "wan-2.1": Pipeline(takes=_TEXTS, frame_rate=16, frame_grid=4),
    "sdxl-turbo": Pipeline(takes=frozenset({Takes.PROMPT})),
}

_MEMBERS: Final[Mapping[Takes, str]] = {
    Takes.PROMPT: "prompt",
    Takes.NEGATIVE_PROMPT: "negative_prompt",
    Takes.IMAGE: "image",
    Takes.MOTION: "options",
}
_MOST_MOTION: Final = 255

STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "queued": RemoteStatus.QUEUED,
    "loading": RemoteStatus.RUNNING,
    "running": RemoteStatus.RUNNING,
    "succeeded": RemoteStatus.SUCCEEDED,
    "failed": RemoteStatus.FAILED,
    "cancelled": RemoteStatus.CANCELLED,
    "lost": RemoteStatus.LOST,
}
_CANCELLATIONS: Final[Mapping[RemoteStatus, Cancellation]] = {
    RemoteStatus.CANCELLED: Cancellation.STOPPED,
    RemoteStatus.QUEUED: Cancellation.REQUESTED,
    RemoteStatus.RUNNING: Cancellation.REQUESTED,
    RemoteStatus.UNKNOWN: Cancellation.REQUESTED,
}

# `code` of an error. For any other code, the HTTP status or the status `failed` decides.
ERROR_CODES: Final[Mapping[str | None, ErrorCode]] = {
    "bad_input": ErrorCode.PROVIDER_REJECTED,
    "content_rejected": ErrorCode.CONTENT_REJECTED,
    # The same size needs the same memory again.
    "out_of_memory": ErrorCode.PROVIDER_REJECTED,
}
JOB_NOT_FOUND: Final = "job_not_found"
INVALID_REQUEST: Final = "invalid_request"
PIPELINE: Final = "pipeline"

# The id becomes part of a URL's path.
JobId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._~-]{0,199}$")]


class ErrorBody(Payload):
    """The `error` of a refused call or of a failed job."""

    code: Lenient[str] = None
    message: str = ""

    @property
    def wrong_field(self) -> str | None:
        """The field of a create that the server refuses: the beginning of its message. None: another refusal."""
        field, colon, _ = self.message.partition(":")
        return field if self.code == INVALID_REQUEST and colon else None

    @classmethod
    def of(cls, error: JsonValue) -> "ErrorBody":
        """The content of an `error` that can also be a text or a list."""
        return cls(code=error.get("code") if isinstance(error, dict) else None, message="; ".join(texts(error)))


class Refusal(Payload):
    """The answer to a refused call."""

    error: JsonValue


class Job(Report):
    """The answer to a read and a cancel."""

    id: Lenient[JobId] = None
    status: JsonValue = None
    progress: JsonValue = None
    ahead: Lenient[Annotated[int, Field(ge=0, le=1_000_000)]] = None
    seconds: Measurement = None
    reference: Lenient[str] = None
    started_at: JsonValue = ""
    """None: the job has only waited. An absent field says nothing."""
    file: JsonValue = None
    error: JsonValue = None


class NamedJob(Job):
    """A job with an id: the answer to a create, and the body of a callback."""

    id: JobId


class Jobs(Payload):
    """The answer to a search by our reference: at most one job."""

    jobs: list[NamedJob]


class Pipelines(Payload):
    """The answer to a list of pipelines."""

    pipelines: list[JsonValue]


def to_body(
    pipeline: str, inputs: Inputs, files: Mapping[str, InputFile], *, reference: str, callback_url: str | None
) -> dict[str, object]:
    """The body of a create.

    Raises:
        ProviderRejected: this version no longer supports the pipeline of an old order.
    """
    known = KNOWN.get(pipeline)
    if known is None:
        raise ProviderRejected(f"local's pipeline {pipeline} is not served any more")
    own = {
        Takes.PROMPT: inputs.prompt,
        Takes.NEGATIVE_PROMPT: inputs.negative_prompt,
        Takes.IMAGE: next((base64.b64encode(files[url].content).decode() for url in inputs.image_urls), None),
        Takes.MOTION: _options(inputs),
    }
    body: dict[str, object | None] = {
        "pipeline": pipeline,
        "reference": reference,
        **{_MEMBERS[name]: value for name, value in own.items() if name in known.takes},
        "num_frames": _frames(inputs.duration_seconds, known),
        "fps": known.frame_rate,
        "seed": inputs.seed,
        "webhook_url": callback_url,
    }
    return {field: value for field, value in body.items() if value is not None}


def _options(inputs: Inputs) -> dict[str, int] | None:
    """The pipeline's own knobs. `motion_bucket_id` is 1 to 255."""
    return None if inputs.motion is None else {"motion_bucket_id": 1 + round(inputs.motion * (_MOST_MOTION - 1))}


def _frames(seconds: int | None, pipeline: Pipeline) -> int | None:
    """The number of frames on the pipeline's grid that is nearest to the ordered length. Of two, the larger one."""
    if seconds is None or pipeline.frame_rate is None:
        return None
    wanted, grid = seconds * pipeline.frame_rate, pipeline.frame_grid
    # A grid of 1 has no frame more.
    return wanted if grid == 1 else (wanted - 1 + grid // 2) // grid * grid + 1


def to_state(provider: ProviderName, job: Job, *, file_url: str) -> RemoteState:
    """The state of a job. `file_url`: the URL of a succeeded job's file."""
    match read_status(job.status, STATUSES):
        case RemoteStatus.SUCCEEDED:
            done = finished(provider, file_url if job.file else None)
            return replace(done, provider_seconds=job.seconds) if done.result_urls else done
        case RemoteStatus.FAILED:
            body = ErrorBody.of(job.error)
            code = ERROR_CODES.get(body.code, ErrorCode.PROVIDER_FAILED)
            return failed(f"{provider} could not generate it: {body.message or 'no reason given'}", code)
        case RemoteStatus.UNKNOWN:
            return no_news(job.status)
        case RemoteStatus.QUEUED:
            return RemoteState(RemoteStatus.QUEUED, ahead=job.ahead)
        case RemoteStatus.RUNNING:
            return RemoteState(RemoteStatus.RUNNING, progress=fraction(job.progress))
        case RemoteStatus.LOST:
            return RemoteState(RemoteStatus.LOST, has_begun=job.started_at is not None)
        case status:
            return RemoteState(status)


def to_cancellation(job: Job) -> Cancellation:
    """The outcome of a cancel, from the job in the answer."""
    return _CANCELLATIONS.get(read_status(job.status, STATUSES), Cancellation.IMPOSSIBLE)
