"""The answers of the API. Fields that a newer gateway adds are kept as attributes, too."""

from datetime import datetime
from typing import Any, Final, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from reelworks_client.errors import GenerationFailed

T = TypeVar("T")

ENDED: Final = frozenset({"completed", "failed", "cancelled"})
"""The values of `status` that never change."""


class Model(BaseModel):
    """The base of all answers."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Credits(Model):
    """The credits of a generation or of a batch."""

    price: int
    """The price of the result."""
    held: int
    """Set aside now. 0 after the end."""
    captured: int
    """Paid."""
    released: int
    """Given back."""


class Failure(Model):
    """The reason of a failure."""

    code: str
    """Stable, for programs."""
    message: str
    """For people."""


class Outcome(Model):
    """The consequences of an end without a result."""

    cause: str
    """Stable, for programs, such as `request_refused`."""
    charged: bool
    """Whether credits were taken all the same."""
    retryable: bool
    """Whether the same order may succeed."""
    message: str
    """A sentence for the end user."""


class VariantFile(Model):
    """A stored file of a variant."""

    part: str
    """`media`, or `index`: the text that leads into the media."""
    content_type: str
    """The media type."""
    size_bytes: int
    """The size of the file."""
    sha256: str
    """In lower-case hex."""
    width: int | None = None
    """In pixels."""
    height: int | None = None
    """In pixels."""
    duration_seconds: float | None = None
    """The length of a video or an animation."""
    frame_rate: float | None = None
    """Frames in a second."""
    codec: str | None = None
    """The codec."""


class Variant(Model):
    """A variant of a result."""

    name: str
    """The name in `content?variant=`."""
    kind: str
    """`web`, `preview`, `sprites`, `copy` or `hls`."""
    state: str
    """`pending`, `ready` or `failed`."""
    origin: str | None = None
    """`original`, `copied` or `encoded`."""
    keeps_provenance: bool | None = None
    """Whether a signed statement of origin (C2PA) of the result holds for the variant."""
    error: Failure | None = None
    """The reason, if the state is `failed`."""
    files: list[VariantFile] = []
    """The files. Empty where the result itself is the variant."""
    content: str | None = None
    """The path of the file at the gateway."""
    finished_at: datetime | None = None
    """When it became ready or failed."""


class Asset(Model):
    """A stored file of a generation."""

    role: str
    """`result`, or `poster`: a still picture of the result."""
    content_type: str
    """The media type."""
    size_bytes: int
    """The size."""
    sha256: str
    """The SHA-256, in hexadecimal digits."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    duration_seconds: float | None = None
    """None for an image."""
    frame_rate: float | None = None
    """Frames in a second. None for an image."""
    codec: str = ""
    """The codec."""
    bit_rate: int | None = None
    """Bits in a second, where known."""
    expires_at: datetime | None = None
    """The time of deletion. None: the file is kept for ever."""
    expired_at: datetime | None = None
    """When the file was deleted. None: the file is there."""


class QueuePlace(Model):
    """The place of a generation before its provider."""

    reason: str
    """`capacity`, `paused`, `your_limit`, `provider_down`, `scheduled` or `vendor_queue`."""
    ahead: int | None = None
    """How many generations go first, of all customers. None: not known."""
    estimated_start_at: datetime | None = None
    """When the provider gets it, as things stand. None: not known."""


class QueuedModel(Model):
    """A customer's generations of one model, before and at the provider."""

    model: str
    """The model."""
    waiting: int
    """Those that no provider has yet."""
    in_flight: int
    """Those that a provider has."""
    next: QueuePlace | None = None
    """The first of those that wait. None: none waits for a place."""


class Queue(Model):
    """A customer's unfinished generations, before and at the providers."""

    waiting: int
    """Those that no provider has yet."""
    in_flight: int
    """Those that a provider has."""
    models: list[QueuedModel] = []
    """By model."""


class PlannedVideo(Model):
    """The video that a preview shows the first frame of."""

    model: str
    """The model that makes the video from the picture."""
    text_to_video: str
    """The model that the preview was ordered with."""
    credits: int
    """The price when the preview was ordered."""
    inputs: dict[str, Any] = {}
    """The settings of the video, without the picture."""


class Generation(Model):
    """An image or a video, from the order to the end."""

    id: str
    """The id."""
    status: str
    """`queued`, `processing`, `completed`, `failed` or `cancelled`."""
    stage: str
    """The step, more detailed than the status."""
    progress: int
    """Percent. Never falls."""
    kind: str
    """`image` or `video`."""
    model: str
    """The model that serves."""
    requested_model: str | None = None
    """The name in the order. None: the order named no model."""
    provider: str = ""
    """The maker."""
    priority: str = "normal"
    """`low`, `normal` or `high`."""
    not_before: datetime | None = None
    """The scheduled start."""
    start_by: datetime | None = None
    """The generation fails if it has not started by then."""
    batch_id: str | None = None
    """The batch of the generation."""
    retry_of: str | None = None
    """The generation that this one repeats."""
    retried_by: str | None = None
    """The newest generation that repeats this one."""
    preview_of: PlannedVideo | None = None
    """Of a preview: the video that `continue_preview` makes."""
    continuation_of: str | None = None
    """Of a video that was made from a preview: the preview."""
    continued_by: str | None = None
    """Of a preview: the video that was made from it."""
    inputs: dict[str, Any] = {}
    """The order, with all defaults."""
    credits: Credits
    """The price, and its credits."""
    queue: QueuePlace | None = None
    """The place before the provider. None: a provider has it, or no provider is busy. Lists have None."""
    error: Failure | None = None
    """The reason, if the status is `failed`."""
    outcome: Outcome | None = None
    """The consequences, if the status is `failed` or `cancelled`."""
    cancel_requested_at: datetime | None = None
    """When the customer asked for the cancellation."""
    assets: list[Asset] = []
    """The stored files."""
    variants: list[Variant] = []
    """Further files of the result, made after its end."""
    downloads: int = 0
    """How often the result was fetched."""
    reference: str | None = None
    """The customer's id of the thing that the result is for."""
    metadata: dict[str, str] = {}
    """The customer's entries."""
    callback_url: str | None = None
    """The address that gets a webhook at the end."""
    rating: int | None = None
    """The customer's rating, 1 to 5."""
    created_at: datetime
    """When the order was accepted."""
    updated_at: datetime | None = None
    """The last change."""
    lost_runs: int = 0
    """How often a server lost the work. The generation ran again, and is paid for once."""
    started_at: datetime | None = None
    """When a provider accepted the work."""
    deadline_at: datetime | None = None
    """The generation fails if it has not ended by then. Later again if a provider is too busy for it."""
    finished_at: datetime | None = None
    """The end."""
    render_seconds: float | None = None
    """Seconds from `started_at` until the provider was done."""
    provider_seconds: float | None = None
    """The provider's own figure."""
    links: dict[str, str | None] = {}
    """Paths: `self`, `content`, `thumbnail`."""

    @property
    def has_ended(self) -> bool:
        """Whether the status is final."""
        return self.status in ENDED

    @property
    def result(self) -> Asset | None:
        """The file of the result. None before the end, or without a result."""
        return next((asset for asset in self.assets if asset.role == "result"), None)

    def raise_for_end(self) -> Self:
        """The generation itself. Raises `GenerationFailed` if it failed or was cancelled."""
        if self.has_ended and self.status != "completed":
            raise GenerationFailed(self)
        return self


class Page(Model, Generic[T]):
    """A page of a list."""

    data: list[T]
    """The entries."""
    has_more: bool = False
    """Whether there is a next page."""
    next_cursor: str | None = None
    """The place of the next page."""


class Counts(Model):
    """The generations of a batch, by status."""

    total: int
    queued: int
    processing: int
    completed: int
    failed: int
    cancelled: int


class Batch(Model):
    """Generations that were ordered together."""

    id: str
    """The id."""
    counts: Counts
    """The generations by status."""
    credits: Credits
    """The credits of all generations together."""
    created_at: datetime
    """When the order was accepted."""
    finished_at: datetime | None = None
    """The end of the last generation."""
    generations: Page[Generation]
    """The generations in the order of the requests."""

    @property
    def has_ended(self) -> bool:
        """Whether all generations have ended."""
        return self.finished_at is not None


class UsualSeconds(Model):
    """The time from order to result of the newest completed generations."""

    p50: float
    """Half of them took no longer."""
    p90: float
    """Nine of ten took no longer."""
    sample: int
    """The number of generations."""


class EstimatedModel(Model):
    """A model that could serve an order."""

    model: str
    """The name."""
    credits: int
    """The price."""
    usual_seconds: UsualSeconds | None = None
    """None: the model has completed nothing yet."""
    expected_wait_seconds: float | None = None
    """Seconds until its provider would get it. None: not known, for example in a pause."""


class Estimate(EstimatedModel):
    """The price of an order, before the order."""

    number_of_outputs: int = 1
    """The number of results."""
    models: list[EstimatedModel] = []
    """All models that could serve the order."""
    preview_of: EstimatedModel | None = None
    """Of a preview: the video that `continue_preview` would make."""


class Event(Model):
    """A step of a generation, from a stream."""

    id: str | None = None
    """The id, for `after`. None for `progress`."""
    type: str
    """`stage`, `progress` or `end`."""
    generation_id: str
    """The generation."""
    status: str
    """The status after the step."""
    stage: str
    """The stage after the step."""
    progress: int
    """Percent. Never falls."""
    error: Failure | None = None
    """The reason, if the generation failed."""
    reference: str | None = None
    """The customer's id of the thing that the result is for."""
    metadata: dict[str, str] = {}
    """The customer's entries."""
    created_at: datetime | None = None
    """The time of the step."""


class Notification(Model):
    """An event that Reelworks sent: a webhook, or an entry of the Redis stream."""

    id: str
    """The id of the event. The same event may come twice, with the same id."""
    type: str
    """Such as `generation.completed`."""
    version: int = 1
    """The version of the catalogue of events."""
    created_at: datetime
    """The time of the event."""
    sequence: int | None = None
    """Grows within a generation. A webhook with a lower number came late."""
    data: dict[str, Any] = {}
    """The generation: `generation_id`, `status`, `stage`, `progress`, `model`, `reference`, `metadata`, `links`, …"""
