"""Replicate's wire as data and pure functions: field names, states, results, errors.

Source: https://replicate.com/docs/reference/http and its OpenAPI document, unless a line names another.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field, JsonValue, StringConstraints

from providers.adapters.payload import Lenient, Measurement, Payload, Report, texts
from providers.adapters.results import failed, finished
from providers.adapters.words import no_news, read_status
from providers.base import Cancellation, RemoteState, RemoteStatus
from providers.http.retry_after import MAX_RETRY_AFTER_SECONDS
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected

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
    RemoteStatus.UNKNOWN: Cancellation.REQUESTED,
}

# "Your rate limit resets in ~30s": https://replicate.com/docs/topics/predictions/rate-limits
_RESETS: Final = re.compile(r"resets in ~?(\d{1,6}(?:\.\d{1,3})?)s\b")

# The id becomes part of a URL's path.
PredictionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]


class Created(Payload):
    """The part of an answer or a callback that names the prediction."""

    id: PredictionId


class Metrics(Payload):
    """The measurements of a prediction that has ended."""

    predict_time: Measurement = None


class Prediction(Report):
    """The content of every answer. `output` and `error` are null until they exist.

    Depending on the model, the output is a link, or a list or an object of links and other texts.
    """

    id: Lenient[PredictionId] = None
    status: JsonValue = None
    output: JsonValue = None
    error: JsonValue = None
    metrics: Lenient[Metrics] = None


class WebhookSecret(Payload):
    """The answer to `GET /v1/webhooks/default/secret` (https://replicate.com/docs/topics/webhooks)."""

    key: str = Field(repr=False)


class ErrorBody(Payload):
    """An error, as RFC 7807 specifies. Some errors have only a `detail`."""

    title: JsonValue = None
    detail: JsonValue = None
    retry_after: Lenient[float] = None

    @property
    def text(self) -> str:
        """The text of the error."""
        return "; ".join(texts(self.detail) or texts(self.title))

    @property
    def resets_in(self) -> float | None:
        """The seconds until Replicate takes creates again. Not every answer has the member; each has the text."""
        found = _RESETS.search(self.text)
        seconds = self.retry_after if self.retry_after is not None else float(found[1]) if found else None
        return None if seconds is None else min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


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
    """The state of a prediction."""
    match read_status(prediction.status, STATUSES):
        case RemoteStatus.SUCCEEDED:
            seconds = prediction.metrics.predict_time if prediction.metrics else None
            return replace(finished("replicate", prediction.output), provider_seconds=seconds)
        case RemoteStatus.FAILED:
            reason = "; ".join(texts(prediction.error)) or "no reason given"
            return failed(f"replicate could not generate it: {reason}")
        case RemoteStatus.UNKNOWN:
            return no_news(prediction.status)
        case status:
            return RemoteState(status)


def to_cancellation(prediction: Prediction) -> Cancellation:
    """The outcome of a cancel, from the prediction in the answer."""
    return _CANCELLATIONS[read_status(prediction.status, STATUSES)]
