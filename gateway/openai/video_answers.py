"""Videos as OpenAI's clients read them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.openai.sizes import size_of
from gateway.openai.video_ids import id_of_video
from notify.resources import failure_of, outcome_of
from schemas.enums import AssetRole, Stage, Status
from schemas.inputs import generation_id
from schemas.orders import Inputs, Order
from schemas.setting_groups import RetentionSettings
from schemas.stages import TERMINAL, status_of
from schemas.tables import Asset
from storage import assets
from storage.details import Details

POLL_AFTER: Final = "openai-poll-after-ms"
_POLL_AFTER_MS: Final = 2500

POLLED: Final[dict[str, object]] = {
    POLL_AFTER: {
        "description": "milliseconds after which to read a running video again",
        "schema": {"type": "string"},
    }
}
"""The description of the header."""

VideoStatus = Literal["queued", "in_progress", "completed", "failed"]

_STATUSES: Final[Mapping[Status, VideoStatus]] = {
    Status.QUEUED: "queued",
    Status.PROCESSING: "in_progress",
    Status.COMPLETED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
}


class OpenaiVideoFailure(BaseModel):
    """The reason why there is no video."""

    code: str = Field(description="stable, for programs; `cancelled` and `expired` are codes, too")
    message: str = Field(description="for people")


class OpenaiVideo(BaseModel):
    """A video."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "video_3e41a28d5bf940cea038dc975dda27ad",
                    "object": "video",
                    "model": "kling-3.0-video",
                    "status": "in_progress",
                    "progress": 42,
                    "created_at": 1795953600,
                    "completed_at": None,
                    "expires_at": None,
                    "prompt": "a paper boat on a rainy street",
                    "seconds": "4",
                    "size": "1280x720",
                    "remixed_from_video_id": None,
                    "error": None,
                    "metadata": {},
                    "credits": 56,
                }
            ]
        }
    )

    id: str = Field(description="`video_` and 32 digits")
    object: Literal["video"] = "video"
    """The type of this resource."""
    model: str = Field(description="the model that makes the video, also where another name was asked for")
    status: VideoStatus = Field(description="`completed`: the content can be fetched; cancelled and expired: `failed`")
    progress: int = Field(description="percent, never goes back", ge=0, le=100)
    created_at: int = Field(description="Unix time of acceptance")
    completed_at: int | None = Field(description="Unix time of the end; null until then")
    expires_at: int | None = Field(description="Unix time at which the file is deleted; null: never, or no file yet")
    prompt: str | None
    """The prompt."""
    seconds: str = Field(description="the length that was ordered")
    size: str = Field(description="of the file; before the end: of the order; `auto` where a picture decides")
    remixed_from_video_id: str | None = Field(description="the video that this one changes or extends")
    error: OpenaiVideoFailure | None = Field(description="why there is no video; null where there is no error")
    metadata: dict[str, str]
    """The order's metadata."""
    credits: int = Field(description="the price in credits; a failed video costs nothing as a rule")


def video_answer(details: Details, retention: RetentionSettings) -> OpenaiVideo:
    """The answer about a generation of a video."""
    row = details.generation
    order = Order.model_validate(row.order)
    file = next((asset for asset in details.assets if asset.role is AssetRole.RESULT), None)
    failure = _failure(details, file, retention)
    return OpenaiVideo(
        id=id_of_video(row.id),
        model=row.model,
        status="failed" if failure else _STATUSES[status_of(row.stage)],
        progress=row.progress,
        created_at=_unix(row.created_at) or 0,
        completed_at=_unix(row.finished_at),
        expires_at=_unix(assets.expires_at(file, retention)) if file else None,
        prompt=order.inputs.prompt,
        seconds=str(order.inputs.duration_seconds or ""),
        size=f"{file.width}x{file.height}" if file else size_of(order.inputs.aspect_ratio, order.inputs.resolution),
        remixed_from_video_id=_source(order.inputs),
        error=failure,
        metadata=order.metadata,
        credits=row.credits,
    )


def poll_header(details: Details) -> dict[str, str]:
    """The header by which the official clients time their next read. Empty for a video that has ended."""
    return {} if details.generation.stage in TERMINAL else {POLL_AFTER: str(_POLL_AFTER_MS)}


def _failure(details: Details, file: Asset | None, retention: RetentionSettings) -> OpenaiVideoFailure | None:
    row = details.generation
    if failure := failure_of(row):
        return OpenaiVideoFailure(code=failure.code, message=failure.message)
    if row.stage is Stage.CANCELLED:
        outcome = outcome_of(details)
        return OpenaiVideoFailure(code="cancelled", message=outcome.message if outcome else "the video was cancelled")
    if file is not None and (gone_at := assets.gone_at(file, retention)) is not None:
        return OpenaiVideoFailure(
            code="expired", message=f"the file was deleted on {gone_at:%Y-%m-%d}: order the video again"
        )
    return None


def _source(inputs: Inputs) -> str | None:
    found = (generation_id(url) for url in inputs.video_urls)
    return next((id_of_video(source) for source in found if source is not None), None)


def _unix(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
