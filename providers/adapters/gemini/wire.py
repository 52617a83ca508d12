"""The Gemini wire as data and pure functions: bodies, states, errors.

Source: google-genai 3.4 (`_gaos/interactions.py`, `_gaos/types/interactions`), which Google generates from its schema
of revision 2026-05-20, and https://ai.google.dev/gemini-api/docs/omni, unless a line names another. Google does not
document whether `duration` applies to a video that is edited or extended.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Annotated, Final

from pydantic import Field, JsonValue, SkipValidation, StringConstraints, model_validator

from providers.adapters.payload import Lenient, Payload, Report, texts
from providers.adapters.words import read_status
from providers.base import Cancellation, InputFile, RemoteStatus
from providers.http.retry_after import MAX_RETRY_AFTER_SECONDS
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

API: Final = "/v1beta"
REVISION: Final = "2026-05-20"
INTERACTIONS: Final = f"{API}/interactions"

_Write = Callable[[Inputs], object]
JsonObject = dict[str, JsonValue]


def _seconds(inputs: Inputs) -> str | None:
    return None if inputs.duration_seconds is None else f"{inputs.duration_seconds}s"


def _mime_type(inputs: Inputs) -> str | None:
    return None if inputs.output_format is None else f"image/{inputs.output_format}"


_VIDEO: Final[Mapping[str, _Write]] = {
    "aspect_ratio": attrgetter("aspect_ratio"),
    "resolution": attrgetter("resolution"),
    "duration": _seconds,
}
_IMAGE: Final[Mapping[str, _Write]] = {"aspect_ratio": attrgetter("aspect_ratio"), "mime_type": _mime_type}
_SIZED_IMAGE: Final[Mapping[str, _Write]] = {**_IMAGE, "image_size": attrgetter("resolution")}
# The fields of each model's `response_format`, and the inputs that they take.
FORMATS: Final[Mapping[str, Mapping[str, _Write]]] = {
    "gemini-omni-1.1-flash": _VIDEO,
    "gemini-omni-1.2-flash": _VIDEO,
    "gemini-nano-banana-2.1": _SIZED_IMAGE,
    "gemini-3.1-flash-image": _SIZED_IMAGE,
    "gemini-3.1-flash-lite-image": _IMAGE,
    "gemini-3-pro-image": _SIZED_IMAGE,
    "gemini-2.5-flash-image": _IMAGE,
}
# Google's names of media types, where they differ from ours.
_MIME_TYPES: Final[Mapping[str, str]] = {"video/quicktime": "video/mov"}
# "100 MB per request/payload", in base64: https://ai.google.dev/gemini-api/docs/file-input-methods
_MOST_PAYLOAD_BYTES: Final = 100_000_000
# Tags in a prompt that name the role of each image.
_ROLE: Final = re.compile(r"<(?:FIRST_FRAME|LAST_FRAME|(?:IMAGE|VIDEO)_REF_\d+)>")

STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "queued": RemoteStatus.QUEUED,
    "in_progress": RemoteStatus.RUNNING,
    "completed": RemoteStatus.SUCCEEDED,
    "failed": RemoteStatus.FAILED,
    "incomplete": RemoteStatus.FAILED,
    "budget_exceeded": RemoteStatus.FAILED,
    "requires_action": RemoteStatus.FAILED,
    "requires_continuation": RemoteStatus.FAILED,
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
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")


# The id becomes part of a URL's path.
InteractionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._=-]{0,499}$")]


class Created(Payload):
    """The answer to a create."""

    id: InteractionId


class Interaction(Report):
    """The answer to reads and cancels. `document` is the whole answer; `results.py` reads the result in it.

    `errors` holds objects with a message and a code: "a URI that identifies the error type". The status `idle`, new in
    google-genai 3.6, says nothing about the outcome, so it is not among `STATUSES`.
    """

    id: Lenient[InteractionId] = None
    status: JsonValue = None
    errors: JsonValue = None
    error: JsonValue = None
    document: SkipValidation[JsonObject] = Field(repr=False)

    @model_validator(mode="before")
    @classmethod
    def _keeps_the_document(cls, read: object) -> object:
        return {**read, "document": read} if isinstance(read, dict) else read


class ErrorBody(Payload):
    """Google's error. Its `code` is the HTTP status, or recently a word. `details` are messages of google.rpc."""

    message: str = ""
    details: tuple[JsonObject, ...] = ()

    @classmethod
    def of(cls, error: JsonValue) -> "ErrorBody":
        """The content of an `error` that can also be a text or a list."""
        details = error.get("details") if isinstance(error, dict) else None
        listed = tuple(each for each in details if isinstance(each, dict)) if isinstance(details, list) else ()
        return cls(message="; ".join(texts(error)), details=listed)

    @property
    def reasons(self) -> frozenset[JsonValue]:
        """Google's names of the causes (google.rpc.ErrorInfo)."""
        return frozenset(word for detail in self.details if isinstance(word := detail.get("reason"), str))

    @property
    def is_daily(self) -> bool:
        """Whether a count of the day is used up: a "…PerDayPer…" among the quotas of google.rpc.QuotaFailure."""
        found = (violations for each in self.details if isinstance(violations := each.get("violations"), list))
        quotas = (each.get("quotaId") for violations in found for each in violations if isinstance(each, dict))
        return any(isinstance(quota, str) and "PerDay" in quota for quota in quotas)

    @property
    def retry_after(self) -> float | None:
        """The seconds to wait, from google.rpc.RetryInfo."""
        delays = (delay for detail in self.details if isinstance(delay := detail.get("retryDelay"), str))
        found = next((found for delay in delays if (found := _DURATION.fullmatch(delay))), None)
        return None if found is None else min(float(found[1]), MAX_RETRY_AFTER_SECONDS)


class Refusal(Payload):
    """The body of an error."""

    error: JsonValue


def to_body(
    model: str, inputs: Inputs, files: Mapping[str, InputFile], *, callback_url: str | None
) -> dict[str, object]:
    """The body of a create.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order, or the files are too large.
    """
    fields = FORMATS.get(model)
    if fields is None:
        raise ProviderRejected(f"gemini's model {model} is not served any more")
    is_video = fields is _VIDEO
    urls = [*inputs.image_urls, *(inputs.video_urls if is_video else [])]
    wanted = {field: write(inputs) for field, write in fields.items()}
    body: dict[str, object] = {
        "model": model,
        "input": [*_media([files[url] for url in urls]), {"type": "text", "text": inputs.prompt}],
        "response_format": {"type": "video" if is_video else "image", **_given(wanted), "delivery": "uri"},
        "background": True,
    }
    if is_video and (config := _video_config(inputs)):
        body["generation_config"] = config
    if callback_url is not None:
        body["webhook_config"] = {"uris": [callback_url]}
    return body


def _media(files: Sequence[InputFile]) -> Iterator[dict[str, object]]:
    if sum(len(file.content) for file in files) * 4 / 3 > _MOST_PAYLOAD_BYTES:
        raise ProviderRejected("the input files are larger, together, than gemini takes with one request")
    for file in files:
        mime_type = _MIME_TYPES.get(file.content_type, file.content_type)
        kind = mime_type.partition("/")[0]
        yield {"type": kind, "mime_type": mime_type, "data": base64.b64encode(file.content).decode()}


def _video_config(inputs: Inputs) -> dict[str, object]:
    task = _task(inputs)
    return _given({"seed": inputs.seed, "video_config": None if task is None else {"task": task}})


def _task(inputs: Inputs) -> str | None:
    """The task, if the inputs determine it. None: Google derives the task from the prompt and the inputs."""
    if inputs.video_urls or len(inputs.image_urls) > 1 or _ROLE.search(inputs.prompt):
        return None
    return "image_to_video" if inputs.image_urls else "text_to_video"


def _given(fields: Mapping[str, object]) -> dict[str, object]:
    return {field: value for field, value in fields.items() if value is not None}


def to_status(interaction: Interaction) -> RemoteStatus:
    """The status of an interaction."""
    return read_status(interaction.status, STATUSES)


def to_cancellation(interaction: Interaction) -> Cancellation:
    """The outcome of a cancel, from the interaction in the answer."""
    return _CANCELLATIONS[to_status(interaction)]
