"""Kie's wire for Runway's Gen-3. Source: https://docs.kie.ai/runway-api."""

from collections.abc import Mapping
from typing import Final

from pydantic import Field, JsonValue

from providers.adapters import results
from providers.adapters.kie.wire import Answer, Wire, failed, finished, not_served
from providers.adapters.payload import Lenient, Payload, Report
from providers.adapters.words import no_news, read_status
from providers.base import ProviderRequest, RemoteState, RemoteStatus

_EXPIRED: Final = 1

STATUSES: Final[Mapping[str, RemoteStatus]] = {
    "wait": RemoteStatus.QUEUED,
    "queueing": RemoteStatus.QUEUED,
    "generating": RemoteStatus.RUNNING,
    "success": RemoteStatus.SUCCEEDED,
    "fail": RemoteStatus.FAILED,
}


class _Video(Payload):
    url: JsonValue = Field(default=None, alias="videoUrl")


class Record(Report):
    """`data` of a status read. `expireFlag` is 1 after Kie has deleted the video, after 14 days."""

    members = frozenset({"taskId", "task_id", "state"})

    state: JsonValue = None
    video: Lenient[_Video] = Field(default=None, alias="videoInfo")
    fail_code: Lenient[str] = Field(default=None, alias="failCode")
    fail_msg: JsonValue = Field(default=None, alias="failMsg")
    expired: Lenient[int] = Field(default=None, alias="expireFlag")


def to_body(request: ProviderRequest) -> dict[str, object]:
    """The body of a create. The API has one model, so the body does not name it.

    Raises:
        ProviderRejected: this version no longer supports the model of an old order.
    """
    if request.model != "runway/generate":
        raise not_served(request.model)
    inputs = request.inputs
    body: dict[str, object] = {
        "prompt": inputs.prompt,
        "duration": inputs.duration_seconds,
        "quality": inputs.resolution,
        "waterMark": "",  # none
    }
    if inputs.aspect_ratio is not None:
        body["aspectRatio"] = inputs.aspect_ratio  # has no effect if there is an image
    return {**body, "imageUrl": inputs.image_urls[0]} if inputs.image_urls else body


def to_state(answer: Answer, prompt: str = "") -> RemoteState:
    """The state of a task. Kie reports no charge here."""
    record = Record.model_validate(answer.data)
    match read_status(record.state, STATUSES):
        case RemoteStatus.SUCCEEDED if record.expired == _EXPIRED:
            return results.failed("kie does not keep the result any longer")
        case RemoteStatus.SUCCEEDED:
            return finished(record.video.url if record.video else None)
        case RemoteStatus.FAILED:
            return failed(record.fail_code, record.fail_msg or answer.text, prompt=prompt)
        case RemoteStatus.UNKNOWN:
            return no_news(record.state)
        case status:
            return RemoteState(status)


RUNWAY: Final = Wire(
    create_path="/api/v1/runway/generate",
    status_path="/api/v1/runway/record-detail",
    failure_codes=frozenset({400, 500}),
    to_body=to_body,
    to_state=to_state,
)
