"""Replicate's wire as data and pure functions: field names, states, results, errors.

Source: https://replicate.com/docs/reference/http and its OpenAPI document, unless a line names another.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, TypeAdapter, ValidationError

from providers.base import Cancellation, RemoteState, RemoteStatus
from providers.http.redaction import quotable
from schemas.enums import ErrorCode
from schemas.errors import ProviderBadResponse, ProviderRejected
from schemas.orders import Inputs

# The field names of each model, by our name of the input, from the "API" tab of its page. Image results are a list of
# links, a video result is one link: https://replicate.com/black-forest-labs/flux-schnell,
# https://replicate.com/bytedance/seedance-1-pro, https://replicate.com/luma/ray-3.2. Several names: a field for each
# picture.
INPUT_FIELDS: Final[Mapping[str, Mapping[str, str | tuple[str, ...]]]] = {
    "black-forest-labs/flux-schnell": {
        "prompt": "prompt",
        "aspect_ratio": "aspect_ratio",
        "output_format": "output_format",
        "seed": "seed",
    },
    "bytedance/seedance-1-pro": {
        "prompt": "prompt",
        "aspect_ratio": "aspect_ratio",
        "resolution": "resolution",
        "duration_seconds": "duration",
        "seed": "seed",
    },
    "luma/ray-3.2": {
        "prompt": "prompt",
        "aspect_ratio": "aspect_ratio",
        "resolution": "resolution",
        "duration_seconds": "duration",
        "image_urls": ("start_image", "end_image"),
    },
}

# https://replicate.com/docs/topics/predictions/lifecycle. An `aborted` prediction ended before it ran. Only `aborted`
# predictions are free.
STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "starting": RemoteStatus.QUEUED,
    "processing": RemoteStatus.RUNNING,
    "succeeded": RemoteStatus.SUCCEEDED,
    "failed": RemoteStatus.FAILED,
    "canceled": RemoteStatus.CANCELLED,
    "aborted": RemoteStatus.CANCELLED,
}
_CANCELLATIONS: Final[Mapping[RemoteStatus, Cancellation]] = {
    RemoteStatus.QUEUED: Cancellation.REQUESTED,
    RemoteStatus.RUNNING: Cancellation.REQUESTED,
    RemoteStatus.SUCCEEDED: Cancellation.IMPOSSIBLE,
    RemoteStatus.FAILED: Cancellation.IMPOSSIBLE,
    RemoteStatus.CANCELLED: Cancellation.STOPPED,
}

# The id becomes part of a URL's path.
PredictionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]
_ResultUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00]+$")]
_RESULT_URLS: Final = TypeAdapter(list[_ResultUrl])


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Prediction(_Payload):
    """The content of every answer and callback. `output` and `error` are null until they exist."""

    id: PredictionId
    status: str
    output: JsonValue = None
    error: JsonValue = None


class WebhookSecret(_Payload):
    """The answer to `GET /v1/webhooks/default/secret` (https://replicate.com/docs/topics/webhooks)."""

    key: str = Field(repr=False)


class ErrorBody(_Payload):
    """An error, as RFC 7807 specifies. Some errors have only a `detail`."""

    title: str = ""
    detail: str = ""


def to_input(model: str, inputs: Inputs) -> dict[str, object]:
    """The `input` of a create, with the model's field names.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    fields = INPUT_FIELDS.get(model)
    if fields is None:
        raise ProviderRejected(f"replicate's model {model} is not served any more")
    given = {field: value for field, value in inputs.model_dump().items() if value not in (None, [])}
    body: dict[str, object] = {}
    for ours, theirs in fields.items():
        if ours not in given:
            continue
        if isinstance(theirs, tuple):
            body |= zip(theirs, given[ours], strict=False)
        else:
            body[theirs] = _to_value(ours, given[ours])
    return body


def _to_value(field: str, value: object) -> object:
    return "jpg" if field == "output_format" and value == "jpeg" else value


def to_state(prediction: Prediction) -> RemoteState:
    """The state of a prediction.

    Raises:
        ProviderBadResponse: Replicate does not document the status or the result.
    """
    match _status(prediction):
        case RemoteStatus.SUCCEEDED:
            return _succeeded(prediction.output)
        case RemoteStatus.FAILED:
            return _failed(f"replicate could not generate it: {_reason(prediction.error)}")
        case status:
            return RemoteState(status)


def to_cancellation(prediction: Prediction) -> Cancellation:
    """The outcome of a cancel, from the prediction in the answer.

    Raises:
        ProviderBadResponse: Replicate does not document the status.
    """
    return _CANCELLATIONS[_status(prediction)]


def _status(prediction: Prediction) -> RemoteStatus:
    status = STATUSES.get(prediction.status)
    if status is None:
        raise ProviderBadResponse("replicate reported a state that it does not document")
    return status


def _succeeded(output: JsonValue) -> RemoteState:
    links = list(_texts(output))
    if not links:
        return _failed("replicate reported success without a result")
    try:
        return RemoteState(RemoteStatus.SUCCEEDED, result_urls=_RESULT_URLS.validate_python(links))
    except ValidationError:
        raise ProviderBadResponse("replicate reported success with a result of another form") from None


def _texts(output: JsonValue) -> Iterator[str]:
    """The texts of an output. Depending on the model, the output is a text, or a list or an object of texts."""
    match output:
        case str():
            yield from [output] if output else []
        case list():
            for item in output:
                yield from _texts(item)
        case dict():
            yield from _texts(list(output.values()))
        case _:
            pass


def _failed(message: str) -> RemoteState:
    return RemoteState(RemoteStatus.FAILED, error_code=ErrorCode.PROVIDER_FAILED, error_message=message)


def _reason(error: JsonValue) -> str:
    return quotable(error) if isinstance(error, str) and error else "no reason given"
