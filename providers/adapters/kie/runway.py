"""Kie's wire for Runway's Gen-3. Source: https://docs.kie.ai/runway-api."""

from typing import Annotated, Final

from pydantic import BeforeValidator, Field, JsonValue

from providers.adapters.kie.wire import (
    Answer,
    Payload,
    ResultUrl,
    Wire,
    failed,
    not_served,
    succeeded,
    undocumented_state,
)
from providers.base import ProviderRequest, RemoteState, RemoteStatus
from schemas.enums import ErrorCode

_EXPIRED: Final = 1


def _or_none(link: JsonValue) -> JsonValue:
    """None for an empty string, which means "no link" in Kie's examples."""
    return link or None


class _Video(Payload):
    url: Annotated[ResultUrl | None, BeforeValidator(_or_none)] = Field(default=None, alias="videoUrl")


class Record(Payload):
    """`data` of a status read. `expireFlag` is 1 after Kie has deleted the video, after 14 days."""

    state: str
    video: _Video | None = Field(default=None, alias="videoInfo")
    fail_code: str | int | None = Field(default=None, alias="failCode")
    fail_msg: str | None = Field(default=None, alias="failMsg")
    expired: int | None = Field(default=None, alias="expireFlag")


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


def to_state(answer: Answer) -> RemoteState:
    """The state of a task. Kie reports no charge here.

    Raises:
        ProviderBadResponse: Kie does not document the status.
        ValidationError: the record has an undocumented form.
    """
    record = Record.model_validate(answer.data)
    match record.state:
        case "wait" | "queueing":
            return RemoteState(RemoteStatus.QUEUED)
        case "generating":
            return RemoteState(RemoteStatus.RUNNING)
        case "success":
            return _succeeded(record)
        case "fail":
            return failed(record.fail_code, record.fail_msg or answer.text)
        case _:
            raise undocumented_state()


def _succeeded(record: Record) -> RemoteState:
    if record.expired == _EXPIRED:
        return RemoteState(
            RemoteStatus.FAILED,
            error_code=ErrorCode.PROVIDER_FAILED,
            error_message="kie does not keep the result any longer",
        )
    url = record.video.url if record.video else None
    return succeeded([url] if url else None)


RUNWAY: Final = Wire(
    create_path="/api/v1/runway/generate",
    status_path="/api/v1/runway/record-detail",
    failure_codes=frozenset({400, 500}),
    to_body=to_body,
    to_state=to_state,
)
