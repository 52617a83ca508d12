"""Runway's wire as data and pure functions: field names, ratios, states, failures, errors.

Source: https://docs.dev.runwayml.com/api and the types of Runway's own client, https://github.com/runwayml/sdk-python,
unless a line names another.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field, JsonValue, StringConstraints

from providers.adapters.payload import Lenient, Payload, Report, fraction, texts
from providers.adapters.results import failed, finished
from providers.adapters.words import no_news, read_status
from providers.base import RemoteState, RemoteStatus
from providers.http.redaction import quotable
from schemas.enums import ErrorCode
from schemas.errors import ProviderRejected
from schemas.orders import Inputs

VERSION: Final = "2024-11-06"
"""The version of the API, for the header `X-Runway-Version`."""

# Runway's `ratio` is the size in pixels, by our resolution and aspect ratio. Each model has a different list; Aleph's
# result has the size of its input video. A model's name here is its path and Runway's name. Other models are not
# supported. `video` means text_to_video, or with images image_to_video.
_WIDE_720: Final = {"16:9": "1280:720", "9:16": "720:1280"}
_ALL_720: Final = {**_WIDE_720, "4:3": "1104:832", "3:4": "832:1104", "1:1": "960:960", "21:9": "1584:672"}
_VEO: Final = {"720p": _WIDE_720, "1080p": {"16:9": "1920:1080", "9:16": "1080:1920"}}
_IMAGE: Final = {
    "720p": {"16:9": "1280:720", "9:16": "720:1280", "4:3": "960:720", "3:4": "720:960", "1:1": "720:720"},
    "1080p": {"16:9": "1920:1080", "9:16": "1080:1920", "4:3": "1440:1080", "3:4": "1080:1440", "1:1": "1080:1080"},
}
RATIOS: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "text_to_video/gen4.5": {"720p": _WIDE_720},
    "image_to_video/gen4.5": {"720p": _ALL_720},
    "image_to_video/gen4_turbo": {"720p": _ALL_720},
    "text_to_image/gen4_image": _IMAGE,
    "text_to_image/gen4_image_turbo": _IMAGE,
    "video_to_video/aleph2": {},
    "video/veo3.1": _VEO,
    "video/veo3.1_fast": _VEO,
}

STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "PENDING": RemoteStatus.QUEUED,
    "THROTTLED": RemoteStatus.QUEUED,
    "RUNNING": RemoteStatus.RUNNING,
    "SUCCEEDED": RemoteStatus.SUCCEEDED,
    "FAILED": RemoteStatus.FAILED,
    "CANCELLED": RemoteStatus.CANCELLED,
}
OPEN: Final = frozenset({RemoteStatus.QUEUED, RemoteStatus.RUNNING})

# https://docs.dev.runwayml.com/errors/task-failures: a code is a path that begins with the general part.
_FAILURES: Final[Mapping[str, tuple[ErrorCode, str]]] = {
    "SAFETY": (ErrorCode.CONTENT_REJECTED, "refused it by its content policy"),
    "INPUT_PREPROCESSING.SAFETY": (ErrorCode.CONTENT_REJECTED, "refused it by its content policy"),
    "ASSET.INVALID": (ErrorCode.INPUT_UNREADABLE, "could not use an input file"),
}
_OTHER_FAILURE: Final = (ErrorCode.PROVIDER_FAILED, "could not generate it")


# Errors have no codes. For these statuses, only the text shows that the account has no credits
# (https://github.com/runwayml/sdk-node/issues/28), or that the day's generations are used up
# (https://docs.dev.runwayml.com/usage/tiers), which a short wait does not change.
USED_UP: Final[Mapping[int, re.Pattern[str]]] = {
    400: re.compile(r"^You do not have enough credits"),
    429: re.compile(r"\bdaily\b", re.IGNORECASE),
}

# The id becomes part of a URL's path.
TaskId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]


class Created(Payload):
    """The answer to a create."""

    id: TaskId


class _Cost(Payload):
    credits: Decimal


class Task(Report):
    """A task, in the answer to a read. `cost` is set after the task has ended."""

    id: Lenient[TaskId] = None
    status: JsonValue = None
    progress: JsonValue = None
    output: JsonValue = None
    failure: JsonValue = None
    failure_code: Lenient[str] = Field(default=None, alias="failureCode")
    cost: Lenient[_Cost] = None

    @property
    def credits(self) -> Decimal | None:
        """The charge; None if missing or unreadable, because the result is paid for in any case."""
        return None if self.cost is None else self.cost.credits


class Organization(Payload):
    """The answer to `GET /v1/organization`."""

    credit_balance: Decimal = Field(alias="creditBalance")


class ErrorBody(Payload):
    """An error (https://docs.dev.runwayml.com/errors/errors)."""

    error: JsonValue

    @property
    def text(self) -> str:
        """The text of the error."""
        return "; ".join(texts(self.error))


def to_path(model: str, inputs: Inputs) -> str:
    """The path of a model's creates."""
    endpoint = model.partition("/")[0]
    if endpoint == "video":
        endpoint = "image_to_video" if inputs.image_urls else "text_to_video"
    return f"/v1/{endpoint}"


def to_body(model: str, inputs: Inputs) -> dict[str, object]:
    """The body of a create, with the model's field names.

    Raises:
        ProviderRejected: this version no longer supports the model, the resolution or the aspect ratio of an old order.
    """
    endpoint, _, theirs = model.partition("/")
    body = {
        "model": theirs,
        "promptText": inputs.prompt,
        "ratio": _ratio(model, inputs),
        "seed": inputs.seed,
        **_fields(endpoint, inputs),
    }
    return {field: value for field, value in body.items() if value is not None}


def _ratio(model: str, inputs: Inputs) -> str | None:
    ratios = RATIOS.get(model)
    if ratios is not None and not ratios:
        return None
    ratio = (ratios or {}).get(inputs.resolution or "", {}).get(inputs.aspect_ratio or "")
    if ratio is None:
        wanted = f"{model} with {inputs.aspect_ratio} at {inputs.resolution}"
        raise ProviderRejected(f"runway's model {wanted} is not served any more")
    return ratio


def _fields(endpoint: str, inputs: Inputs) -> dict[str, object]:
    """The fields that only the models of one endpoint have."""
    frames = [{"uri": uri, "position": at} for uri, at in zip(inputs.image_urls, ("first", "last"), strict=False)]
    match endpoint:
        case "video":
            veo = {"audio": inputs.audio, "negativePrompt": inputs.negative_prompt}
            return {**veo, "duration": inputs.duration_seconds, "promptImage": frames or None}
        case "text_to_video":
            return {"duration": inputs.duration_seconds}
        case "image_to_video":
            return {"duration": inputs.duration_seconds, "promptImage": frames}
        case "video_to_video":
            # The result is as long as the video. An image shows the new first frame.
            keyframes = [{"uri": uri, "at": 0.0} for uri in inputs.image_urls]
            return {"videoUri": inputs.video_urls[0], "keyframes": keyframes or None}
        case _:
            # The prompt can refer to the images by these tags: "@image1 in the style of @image2".
            tagged = [{"uri": uri, "tag": f"image{number}"} for number, uri in enumerate(inputs.image_urls, 1)]
            return {"referenceImages": tagged or None}


def to_state(task: Task) -> RemoteState:
    """The state of a task."""
    match to_status(task):
        case RemoteStatus.SUCCEEDED:
            return finished("runway", task.output, credits_=task.credits)
        case RemoteStatus.FAILED:
            code, text = _failure(task.failure_code or "")
            reason = "; ".join(texts(task.failure)) or "no reason given"
            return failed(f"runway {text}: {quotable(reason)}", code, credits_=task.credits)
        case RemoteStatus.RUNNING:
            return RemoteState(RemoteStatus.RUNNING, progress=fraction(task.progress))
        case RemoteStatus.UNKNOWN:
            return no_news(task.status)
        case status:
            return RemoteState(status, provider_credits=task.credits)


def to_status(task: Task) -> RemoteStatus:
    """The status of a task."""
    return read_status(task.status, STATUSES)


def _failure(code: str) -> tuple[ErrorCode, str]:
    """The meaning of a failure's code, by its first known part."""
    parts = code.split(".")
    known = (_FAILURES.get(".".join(parts[:count])) for count in range(1, len(parts) + 1))
    return next((meaning for meaning in known if meaning is not None), _OTHER_FAILURE)
