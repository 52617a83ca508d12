"""The answers of the HTTP API."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue

from schemas.causes import Cause
from schemas.enums import AssetRole, ErrorCode, Kind, Stage, Status
from schemas.limits import AccountHealth, PriorityWord
from schemas.orders import Inputs
from schemas.queue_api import QueuePlace
from schemas.variant_api import VariantResource


class GenerationCredits(BaseModel):
    """The credits of a generation. Its end captures or releases the whole price."""

    price: int = Field(description="the price of the result")
    held: int = Field(description="on hold now; 0 once the generation has ended")
    captured: int = Field(description="paid for the result")
    released: int = Field(description="given back")


class GenerationInputs(Inputs):
    """The order, by the names of the request's fields, with the model's defaults filled in."""

    model_config = ConfigDict(from_attributes=True)

    generate_audio: bool | None = Field(
        description="whether a video has sound", validation_alias=AliasChoices("generate_audio", "audio")
    )
    audio: bool | None = Field(
        default=None, description="the older name of `generate_audio`", json_schema_extra={"deprecated": True}
    )


class PlannedVideoResource(BaseModel):
    """The video that a preview shows the first frame of."""

    model: str
    """The model that makes the video from the picture."""
    text_to_video: str = Field(
        description="the model that the preview was ordered with; name it with `preview` for another picture"
    )
    credits: int = Field(description="the price when the preview was ordered; `continue` holds the price of its day")
    inputs: GenerationInputs = Field(description="the settings of the video, without the picture")


class GenerationFailure(BaseModel):
    """The reason why a generation failed."""

    code: ErrorCode = Field(description="stable, for programs")
    message: str = Field(description="for people")


class GenerationOutcome(BaseModel):
    """The meaning of an end without a result."""

    cause: Cause = Field(description="stable, for programs")
    charged: bool = Field(description="whether credits were taken all the same; otherwise all came back")
    retryable: bool = Field(description="whether the same request may succeed another time")
    message: str = Field(description="for the person who asked for it")


class AssetResource(BaseModel):
    """A stored file."""

    model_config = ConfigDict(from_attributes=True)

    role: AssetRole
    """The file's role: result or poster."""
    content_type: str
    """The media type."""
    size_bytes: int
    """The size of the file."""
    sha256: str = Field(description="lower-case hex")
    width: int = Field(description="pixels")
    height: int = Field(description="pixels")
    duration_seconds: float | None = Field(description="null for an image")
    frame_rate: float | None = Field(description="frames per second; null for an image")
    codec: str
    """The codec's name."""
    bit_rate: int | None = Field(description="bits per second, where it is known")
    expires_at: datetime | None = Field(description="when the file is deleted; null: it is kept for ever")
    expired_at: datetime | None = Field(description="when the file was deleted; null while it is kept")


class UploadResource(BaseModel):
    """An uploaded picture or video."""

    object: Literal["upload"] = "upload"
    """The type of this resource."""
    id: UUID
    """The upload's id."""
    url: str = Field(description="names it among the `image_urls` or `video_urls` of an order", examples=["upload:…"])
    content_type: str = Field(description="told by its bytes")
    size_bytes: int
    """The size of the file."""
    sha256: str = Field(description="lower-case hex")
    duration_seconds: float | None = Field(description="of a video; null where its length could not be measured")
    expires_at: datetime = Field(description="when it is deleted; later, if an order needs it then")


class GenerationLinks(BaseModel):
    """Related resources, relative to the server."""

    self: str
    """This generation."""
    content: str | None = Field(description="the result; null until the generation is completed, and once it expired")
    thumbnail: str | None = Field(description="a still picture of the result; null where there is none")


class GenerationResource(BaseModel):
    """A request and its progress."""

    model_config = ConfigDict(
        # The answers of an older gateway lack the newest fields, and every answer of this one has all fields.
        json_schema_serialization_defaults_required=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0b0c6f1e-6d0f-4f0a-9f0e-3f7f4f3f1a10",
                    "object": "generation",
                    "status": "completed",
                    "stage": "completed",
                    "progress": 100,
                    "kind": "image",
                    "model": "nano-banana",
                    "requested_model": "google/nano-banana",
                    "provider": "kie",
                    "priority": "normal",
                    "not_before": None,
                    "start_by": None,
                    "batch_id": None,
                    "retry_of": None,
                    "retried_by": None,
                    "preview_of": None,
                    "continuation_of": None,
                    "continued_by": None,
                    "inputs": {
                        "prompt": "a lighthouse in fog",
                        "negative_prompt": None,
                        "style": None,
                        "image_urls": [],
                        "video_urls": [],
                        "aspect_ratio": "16:9",
                        "resolution": None,
                        "duration_seconds": None,
                        "fps": None,
                        "motion": None,
                        "seed": None,
                        "generate_audio": None,
                        "audio": None,
                        "enhance_prompt": None,
                        "output_format": "png",
                    },
                    "credits": {"price": 4, "held": 0, "captured": 4, "released": 0},
                    "queue": None,
                    "error": None,
                    "outcome": None,
                    "cancel_requested_at": None,
                    "assets": [
                        {
                            "role": "result",
                            "content_type": "image/png",
                            "size_bytes": 204800,
                            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                            "width": 1344,
                            "height": 768,
                            "duration_seconds": None,
                            "frame_rate": None,
                            "codec": "png",
                            "bit_rate": None,
                            "expires_at": "2026-12-20T12:00:09Z",
                            "expired_at": None,
                        }
                    ],
                    "variants": [],
                    "downloads": 3,
                    "reference": "k123",
                    "metadata": {"order": "1234"},
                    "callback_url": "https://shop.example/hooks",
                    "rating": 5,
                    "created_at": "2026-11-20T12:00:00Z",
                    "updated_at": "2026-11-20T12:00:09Z",
                    "started_at": "2026-11-20T12:00:01Z",
                    "deadline_at": "2026-11-20T12:10:00Z",
                    "finished_at": "2026-11-20T12:00:09Z",
                    "render_seconds": 7.31,
                    "provider_seconds": 6.2,
                    "lost_runs": 0,
                    "links": {
                        "self": "/v1/generations/0b0c6f1e-6d0f-4f0a-9f0e-3f7f4f3f1a10",
                        "content": "/v1/generations/0b0c6f1e-6d0f-4f0a-9f0e-3f7f4f3f1a10/content",
                        "thumbnail": None,
                    },
                }
            ]
        },
    )

    id: UUID
    """The generation's id."""
    object: Literal["generation"] = "generation"
    """The type of this resource."""
    status: Status
    """The public status."""
    stage: Stage
    """The stage within the status."""
    progress: int = Field(description="percent, never goes back", ge=0, le=100)
    kind: Kind
    """Image or video."""
    model: str
    """The name of the model that serves the request."""
    requested_model: str | None = Field(description="the name in the request; null: the request named no model")
    provider: str = Field(description="who makes it: another one may follow while the first create is refused")
    priority: PriorityWord = Field(description="which of your own orders go first, from the request")
    not_before: datetime | None = Field(description="the scheduled start; null: it starts as soon as it can")
    start_by: datetime | None = Field(description="it fails with `not_started` if no provider gets it by then")
    batch_id: UUID | None = Field(description="the batch that it belongs to")
    retry_of: UUID | None = Field(description="the generation that it repeats")
    retried_by: UUID | None = Field(description="the newest generation that repeats it")
    preview_of: PlannedVideoResource | None = Field(
        default=None, description="of a preview: the video that `continue` makes"
    )
    continuation_of: UUID | None = Field(default=None, description="of a video made by `continue`: its preview")
    continued_by: UUID | None = Field(default=None, description="of a preview: the video that was made from it")
    inputs: GenerationInputs = Field(description="what was ordered, with the model's defaults filled in")
    credits: GenerationCredits
    """The credits of this generation."""
    queue: QueuePlace | None = Field(
        description="set while it waits for its provider; null in lists, and where no provider is busy"
    )
    error: GenerationFailure | None = Field(description="set when the status is failed")
    outcome: GenerationOutcome | None = Field(description="set when the status is failed or cancelled")
    cancel_requested_at: datetime | None = Field(
        description="when you asked to cancel it; the credits stay held until the provider has confirmed"
    )
    assets: list[AssetResource] = Field(description="empty until the result is stored")
    variants: list[VariantResource] = Field(default=[], description="further files of the result, if any were ordered")
    downloads: int = Field(
        description="how often the result was fetched: whole files and first parts, counted within seconds"
    )
    reference: str | None = Field(description="your id of the thing that the result is for, from the request")
    metadata: dict[str, str]
    """The request's metadata."""
    callback_url: str | None = Field(description="where a message goes when the generation ends, from the request")
    rating: int | None = Field(description="your rating of the result, 1 to 5", ge=1, le=5)
    created_at: datetime
    """The time of acceptance."""
    updated_at: datetime = Field(description="the last change of stage, progress or rating, or the wish to cancel")
    started_at: datetime | None = Field(description="when the provider accepted the work; null until then")
    deadline_at: datetime = Field(
        description="it fails with `timeout` if it is not stored by then; while a provider is too busy for it, the "
        "time is days ahead, unless the request has `deadline_seconds`"
    )
    finished_at: datetime | None
    """The time of the end. Null while the generation is unfinished."""
    render_seconds: float | None = Field(
        description="from `started_at` until Reelworks saw that the provider was done; null until then"
    )
    lost_runs: int = Field(
        default=0, description="how often a server lost the work; the generation ran again, and is paid for once"
    )
    provider_seconds: float | None = Field(
        description="the time that the provider itself reports; null where it reports none"
    )
    links: GenerationLinks
    """Related resources."""


class CreditsResource(BaseModel):
    """A customer's credits."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"object": "credits", "available": 960, "held": 40}]},
    )

    object: Literal["credits"] = "credits"
    """The type of this resource."""
    available: int = Field(description="free to spend")
    held: int = Field(description="set aside for unfinished generations")


class StoredUploadsResource(BaseModel):
    """A customer's stored uploads, and their quota."""

    count: int = Field(description="the uploads that are stored now")
    size_bytes: int = Field(description="the bytes of all of them together")
    max_count: int = Field(description="the most uploads")
    max_size_bytes: int = Field(description="the most bytes of all uploads together")
    next_expiry_at: datetime | None = Field(description="when the next upload expires; null without uploads")


class CustomerResource(BaseModel):
    """The owner of an API key."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "customer",
                    "id": "6d5d22ff-00a1-4cc1-b35d-3a97fd57e970",
                    "name": "acme",
                    "key_prefix": "rw_Ab3dE",
                    "credits": {"object": "credits", "available": 960, "held": 40},
                    "uploads": {
                        "count": 3,
                        "size_bytes": 1_480_213,
                        "max_count": 10_000,
                        "max_size_bytes": 21_474_836_480,
                        "next_expiry_at": "2026-11-28T12:00:00Z",
                    },
                }
            ]
        },
    )

    object: Literal["customer"] = "customer"
    """The type of this resource."""
    id: UUID = Field(description="the `customer_id` of the Redis door")
    name: str
    """The customer's name."""
    key_prefix: str = Field(description="the first characters of the key that the request carried")
    credits: CreditsResource
    """The customer's credits."""
    uploads: StoredUploadsResource
    """The customer's stored uploads."""


class CallbackAnswer(BaseModel):
    """The answer that a provider takes for "received"."""

    code: int = 200
    """Kie's code for success."""
    msg: str = "success"
    """Kie's word for success."""


class Health(BaseModel):
    """The answer of a running process."""

    status: Literal["ok"] = "ok"
    """Always `ok`."""


class Readiness(BaseModel):
    """Whether this gateway can serve, with the state of its dependencies."""

    status: Literal["ready", "degraded", "unavailable"] = Field(
        description="degraded: requests are accepted, and their work starts later"
    )
    checks: dict[str, Literal["ok", "error"]]
    """The state of each dependency."""
    providers: dict[str, AccountHealth] = Field(
        default={},
        description="the state of each provider account; empty while the database does not answer. A failing account "
        "makes the gateway no less ready: orders wait, or take another provider",
    )


class FieldProblem(BaseModel):
    """The error of one field of a request."""

    field: str = Field(description='e.g. "duration_seconds" or "image_urls.0"')
    message: str
    """The error, for people."""
    allowed: JsonValue = Field(default=None, description="what would be right, where the model decides it")


class Problem(BaseModel):
    """An error in the form of RFC 9457. Some codes add members."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="a URN for the code")
    title: str = Field(description="the same for every problem with this code")
    status: int = Field(description="the HTTP status")
    code: str = Field(description="stable, for programs")
    detail: str = Field(description="the reason of the refusal, and the remedy")
    errors: list[FieldProblem] | None = Field(default=None, description="with the code invalid_request")
