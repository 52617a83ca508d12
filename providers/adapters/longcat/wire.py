"""The wire of a LongCat-Video endpoint, as data and pure functions: fields, states, errors.

Reelworks defines this API: docs/longcat-endpoint.md describes it. The field names come from LongCat's code
(https://github.com/meituan-longcat/LongCat-Video): `generate_t2v`, `generate_i2v` and `generate_vc`.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import JsonValue, StringConstraints

from providers.adapters.links import file_links
from providers.adapters.payload import Lenient, Payload, Report, fraction, texts
from providers.adapters.results import failed, finished
from providers.adapters.words import no_news, read_status
from providers.base import Cancellation, RemoteState, RemoteStatus
from schemas.enums import ErrorCode
from schemas.names import ProviderName
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

# The frame rate of LongCat's output, and the doubled rate of its refining stage, which makes 720p.
_BASE_FRAME_RATE = 15
_REFINED_FRAME_RATE = 30
_BASE_RESOLUTION = "480p"
_REFINED_RESOLUTION = "720p"

STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "queued": RemoteStatus.QUEUED,
    "running": RemoteStatus.RUNNING,
    "succeeded": RemoteStatus.SUCCEEDED,
    "failed": RemoteStatus.FAILED,
    "cancelled": RemoteStatus.CANCELLED,
}
_CANCELLATIONS: Final[Mapping[RemoteStatus, Cancellation]] = {
    RemoteStatus.QUEUED: Cancellation.REQUESTED,
    RemoteStatus.RUNNING: Cancellation.REQUESTED,
    RemoteStatus.SUCCEEDED: Cancellation.IMPOSSIBLE,
    RemoteStatus.FAILED: Cancellation.IMPOSSIBLE,
    RemoteStatus.CANCELLED: Cancellation.STOPPED,
    RemoteStatus.UNKNOWN: Cancellation.REQUESTED,
}

# `code` of an error. For any other code, the HTTP status or the status `failed` decides.
ERROR_CODES: Final[Mapping[str | None, ErrorCode]] = {
    "content_rejected": ErrorCode.CONTENT_REJECTED,
    "input_unreadable": ErrorCode.INPUT_UNREADABLE,
    "invalid_input": ErrorCode.PROVIDER_REJECTED,
}

# The id becomes part of a URL's path.
JobId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._~-]{0,199}$")]


class ErrorBody(Payload):
    """The `error` of a refused call or of a failed job."""

    code: Lenient[str] = None
    message: str = ""

    @classmethod
    def of(cls, error: JsonValue) -> "ErrorBody":
        """The content of an `error` that can also be a text or a list."""
        return cls(code=error.get("code") if isinstance(error, dict) else None, message="; ".join(texts(error)))


class Refusal(Payload):
    """The answer to a refused call. A service on FastAPI names an error of its own `detail`: a text or a list."""

    error: JsonValue = None
    detail: JsonValue = None

    @property
    def body(self) -> ErrorBody | None:
        """The error; None if the answer has none."""
        error = self.error or self.detail
        return ErrorBody.of(error) if error else None


class Job(Report):
    """The answer to a create, a read and a cancel. The id is optional only in an answer to a create with the video."""

    id: Lenient[JobId] = None
    status: JsonValue = None
    progress: JsonValue = None
    reference: Lenient[str] = None
    video: JsonValue = None
    error: JsonValue = None

    @property
    def finished_video(self) -> str | None:
        """The link to the video of a succeeded job; None if missing or malformed."""
        return next(iter(file_links(self.video, or_paths=True)), None) if self.has_succeeded else None

    @property
    def has_succeeded(self) -> bool:
        """Whether the video is made."""
        return read_status(self.status, STATUSES) is RemoteStatus.SUCCEEDED


class NamedJob(Job):
    """A job with an id."""

    id: JobId


class Jobs(Payload):
    """The answer to a search by our reference: at most one job."""

    jobs: list[Job]


def to_body(model: str, inputs: Inputs, *, reference: str) -> dict[str, object]:
    """The body of a create.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    frame_rate = _BASE_FRAME_RATE if inputs.resolution == _BASE_RESOLUTION else _REFINED_FRAME_RATE
    match model:
        case "text-to-video":
            frame_rate = inputs.fps or _REFINED_FRAME_RATE
            own = {"aspect_ratio": inputs.aspect_ratio, "resolution": _REFINED_RESOLUTION}
        case "image-to-video":
            own = {"image_url": next(iter(inputs.image_urls), None), "resolution": inputs.resolution}
        case "continuation":
            own = {"video_url": next(iter(inputs.video_urls), None), "resolution": inputs.resolution}
        case _:
            raise ProviderRejected(f"longcat's model {model} is not served any more")
    body = {
        "prompt": inputs.prompt,
        "negative_prompt": inputs.negative_prompt,
        **own,
        "num_frames": _frames(inputs.duration_seconds, frame_rate),
        "fps": frame_rate,
        "seed": inputs.seed,
        "reference": reference,
    }
    return {field: value for field, value in body.items() if value is not None}


def _frames(seconds: int | None, frame_rate: int) -> int | None:
    """The number of frames, rounded as LongCat's pipeline rounds it: a multiple of four, plus one."""
    return None if seconds is None else seconds * frame_rate // 4 * 4 + 1


def to_state(provider: ProviderName, job: Job) -> RemoteState:
    """The state of a job."""
    match read_status(job.status, STATUSES):
        case RemoteStatus.SUCCEEDED:
            return finished(provider, job.video, or_paths=True)
        case RemoteStatus.FAILED:
            body = ErrorBody.of(job.error)
            code = ERROR_CODES.get(body.code, ErrorCode.PROVIDER_FAILED)
            return failed(f"{provider} could not generate it: {body.message or 'no reason given'}", code)
        case RemoteStatus.UNKNOWN:
            return no_news(job.status)
        case status:
            return RemoteState(status, progress=fraction(job.progress))


def to_cancellation(job: Job) -> Cancellation:
    """The outcome of a cancel, from the job in the answer."""
    return _CANCELLATIONS[read_status(job.status, STATUSES)]
