"""The wire of a LongCat-Video endpoint, as data and pure functions: fields, states, errors.

Reelworks defines this API: docs/longcat-endpoint.md describes it. The field names come from LongCat's code
(https://github.com/meituan-longcat/LongCat-Video): `generate_t2v`, `generate_i2v` and `generate_vc`.
"""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, TypeAdapter, ValidationError

from providers.base import Cancellation, RemoteState, RemoteStatus
from providers.http.redaction import quotable
from schemas.enums import ErrorCode
from schemas.errors import ProviderBadResponse, ProviderRejected
from schemas.names import ProviderName
from schemas.orders import Inputs

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
}

# `code` of an error. For any other code, the HTTP status or the status `failed` decides.
ERROR_CODES: Final[Mapping[str | None, ErrorCode]] = {
    "content_rejected": ErrorCode.CONTENT_REJECTED,
    "input_unreadable": ErrorCode.INPUT_UNREADABLE,
    "invalid_input": ErrorCode.PROVIDER_REJECTED,
}

# The id becomes part of a URL's path.
JobId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._~-]{0,199}$")]
_FRACTION: Final = TypeAdapter(Annotated[float, Field(ge=0, le=1, strict=True)])
_LINK: Final = TypeAdapter(Annotated[str, StringConstraints(pattern=r"^https?://[\x21-\x7e]{1,4000}$")])


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ErrorBody(_Payload):
    """The `error` of a refused call or of a failed job."""

    code: str | None = None
    message: str | None = None


class Refusal(_Payload):
    """The answer to a refused call."""

    error: ErrorBody


class _Video(_Payload):
    url: JsonValue = None


class Job(_Payload):
    """The answer to a create, a read and a cancel. The id is optional only in an answer to a create with the video."""

    id: JobId | None = None
    status: str
    progress: JsonValue = None
    reference: str | None = None
    video: _Video | None = None
    error: JsonValue = None

    @property
    def fraction(self) -> float | None:
        """The progress, if the service returns a number from 0 to 1."""
        try:
            return _FRACTION.validate_python(self.progress)
        except ValidationError:
            return None

    @property
    def finished_video(self) -> str | None:
        """The link to the video of a succeeded job; None if missing or malformed."""
        if STATUSES.get(self.status) is not RemoteStatus.SUCCEEDED or self.video is None:
            return None
        try:
            return _LINK.validate_python(self.video.url)
        except ValidationError:
            return None


class Jobs(_Payload):
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
    """The state of a job.

    Raises:
        ProviderBadResponse: the wire has no such status or link.
    """
    match _status(provider, job):
        case RemoteStatus.SUCCEEDED:
            return _succeeded(provider, job)
        case RemoteStatus.FAILED:
            return _failed(provider, job.error)
        case status:
            return RemoteState(status, progress=job.fraction)


def to_cancellation(provider: ProviderName, job: Job) -> Cancellation:
    """The outcome of a cancel, from the job in the answer.

    Raises:
        ProviderBadResponse: the wire has no such status.
    """
    return _CANCELLATIONS[_status(provider, job)]


def _status(provider: ProviderName, job: Job) -> RemoteStatus:
    status = STATUSES.get(job.status)
    if status is None:
        raise ProviderBadResponse(f"{provider} reported a state that it does not document")
    return status


def _succeeded(provider: ProviderName, job: Job) -> RemoteState:
    if job.video is None or not job.video.url:
        message = f"{provider} reported success without a result"
        return RemoteState(RemoteStatus.FAILED, error_code=ErrorCode.PROVIDER_FAILED, error_message=message)
    if job.finished_video is None:
        raise ProviderBadResponse(f"{provider} reported success with a result of another form")
    return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[job.finished_video])


def _failed(provider: ProviderName, error: JsonValue) -> RemoteState:
    try:
        body = ErrorBody.model_validate(error)
    except ValidationError:
        body = ErrorBody()
    return RemoteState(
        RemoteStatus.FAILED,
        error_code=ERROR_CODES.get(body.code, ErrorCode.PROVIDER_FAILED),
        error_message=f"{provider} could not generate it: {quotable(body.message or 'no reason given')}",
    )
