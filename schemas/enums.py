"""The closed vocabularies of Reelworks: one word for each idea."""

from enum import StrEnum


class Door(StrEnum):
    """A part of the system that takes requests, and that an operator can switch off."""

    GENERATIONS = "generations"
    EVENTS = "events"
    WEBHOOKS = "webhooks"
    SHARES = "shares"
    UPLOADS = "uploads"
    MODELS = "models"
    CREDITS = "credits"
    KEYS = "keys"
    ADMIN = "admin"
    FILES = "files"
    SEEDS = "seeds"
    OPENAI = "openai"
    MCP = "mcp"
    PAGES = "pages"
    STUDIO = "studio"
    REDIS = "redis"


class Kind(StrEnum):
    """The kind of media that a generation makes."""

    IMAGE = "image"
    VIDEO = "video"


class Stage(StrEnum):
    """The stage of a generation. `schemas.stages` defines the allowed moves."""

    QUEUED = "queued"
    SUBMITTING = "submitting"
    GENERATING = "generating"
    DOWNLOADING = "downloading"
    STORING = "storing"
    SETTLING = "settling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Status(StrEnum):
    """The public summary of a stage."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class EventName(StrEnum):
    """The kinds of entries in a generation's timeline."""

    MOVED = "moved"
    """The generation moved from one stage to another."""
    SUBMIT_UNKNOWN = "submit_unknown"
    """A create was sent, and its outcome is unknown."""
    SUBMIT_WITHDRAWN = "submit_withdrawn"
    """A create was withheld just before it was sent."""
    SUBMIT_ADOPTED = "submit_adopted"
    """The vendor's id of a create with unknown outcome was found."""
    CANCEL_REQUESTED = "cancel_requested"
    """The customer asked to cancel the generation."""
    CANCEL_SENT = "cancel_sent"
    """The provider answered a request to cancel."""
    CANCEL_TOO_LATE = "cancel_too_late"
    """The provider finished the work before the requested cancel."""
    CALLBACK_REPEATED = "callback_repeated"
    """The provider repeated a callback. The repetition has no effect."""
    CALLBACK_LATE = "callback_late"
    """A callback arrived after the generation had moved on. The callback is stored and has no effect."""
    SUBMIT_LATE = "submit_late"
    """The vendor accepted a create after the generation had ended. The vendor is asked to stop, and may bill it."""
    TRY_FAILED = "try_failed"
    """A step failed and is tried again. Equal failures in a row share one entry, which counts them."""
    STATUS_UNKNOWN = "status_unknown"
    """The provider reported a status that Reelworks does not know. Written once for a generation."""
    WRITE_REFUSED = "write_refused"
    """A worker wrote without a valid lease: the lease was lost, or the acknowledgement of a commit was lost."""
    WAITS = "waits"
    """The provider account has no place for the generation now. Written once for a generation."""
    ADMITTED = "admitted"
    """The generation got a place at the provider account, for which it had waited."""
    ROUTE_CHANGED = "route_changed"
    """The generation takes another route, before a create left by it."""
    ROUTE_SKIPPED = "route_skipped"
    """A route costs more than the price of the order, so the generation does not take the route. Written once."""
    OPERATOR_ACTED = "operator_acted"
    """An operator acted on a selection with this generation. Names the entry in the history of changes."""
    EXPIRED = "expired"
    """The generation's files were deleted after their retention."""
    DELETED = "deleted"
    """The customer or an operator deleted the generation. Only facts are left."""


class FoundBy(StrEnum):
    """The reason for the read of the provider that found the end of the work."""

    CALLBACK = "callback"
    """The provider called back."""
    SAFETY_POLL = "safety_poll"
    """The provider should have called back, and did not."""
    POLL = "poll"
    """The provider does not call back: Reelworks polls."""


class EventKind(StrEnum):
    """The kinds of events that customers see."""

    STAGE = "stage"
    """The generation moved to another stage."""
    PROGRESS = "progress"
    """The progress within a stage grew. Only streams tell."""
    END = "end"
    """The generation ended."""


class CancelRule(StrEnum):
    """The effect of a cancel on the customer's credits, once a provider has begun the work."""

    IMPOSSIBLE = "impossible"
    """The provider cannot stop the work. The result is delivered and charged."""

    FREE = "free"
    """The provider does not bill stopped work. The hold is released."""

    CHARGED = "charged"
    """The provider bills stopped work. The hold is captured."""


class AssetRole(StrEnum):
    """The role of a stored file in its generation."""

    RESULT = "result"
    POSTER = "poster"


class AccountKind(StrEnum):
    """A kind of ledger account. Each customer has the first two; the others exist once.

    Test customers have an equity and a revenue apart, so no test order appears in the books of the business.
    """

    AVAILABLE = "available"
    HELD = "held"
    EQUITY = "equity"
    REVENUE = "revenue"
    TEST_EQUITY = "test_equity"
    TEST_REVENUE = "test_revenue"


class Scope(StrEnum):
    """What an API key allows."""

    GENERATE = "generate"
    """Order, cancel, upload and delete."""
    READ = "read"
    """Every GET."""
    GRANT = "credits:grant"
    """Grant credits to customers. No customer's key has this scope."""
    ADMIN = "admin"
    """Manage the keys of the owner. An operator's key manages customers and services, too."""
    PRIORITY = "priority"
    """Use the places at providers that the operator reserves for orders of high priority."""


DEFAULT_SCOPES = (Scope.GENERATE, Scope.READ)
"""The scopes of a key that names none."""


class TransferKind(StrEnum):
    """The reason for a transfer of credits."""

    GRANT = "grant"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    REFUND = "refund"


class TaskName(StrEnum):
    """The names of the Celery tasks, in messages and in Flower."""

    SUBMIT = "generation.submit"
    POLL = "generation.poll"
    DOWNLOAD = "generation.download"
    STORE = "generation.store"
    SETTLE = "generation.settle"
    VARIANT = "generation.variant"
    STOP = "generation.stop"
    WAKE = "pipeline.wake"
    GRANT = "admission.grant"
    SWEEP = "pipeline.sweep"


class Queue(StrEnum):
    """The Celery queues, one for each task, so that no kind of work waits behind another. All are plain and direct."""

    SUBMIT = "submit"
    POLL = "poll"
    DOWNLOAD = "download"
    STORE = "store"
    SETTLE = "settle"
    VARIANTS = "variants"
    REQUESTS = "requests"
    CONTROL = "control"
    SWEEP = "sweep"


class SweepKind(StrEnum):
    """The things that a sweep removes, in the order of removal."""

    ASSETS = "assets"
    """Stored files beyond their retention."""
    UPLOADS = "uploads"
    """Customers' uploads that have expired."""
    OBJECTS = "objects"
    """Objects in the store without a row."""
    MULTIPART = "multipart"
    """Unfinished multipart uploads in the store."""
    RECEIPTS = "receipts"
    """Callbacks of generations that finished long ago."""
    KEYS = "keys"
    """Idempotency keys of generations that finished long ago."""
    DIGESTS = "digests"
    """Digests of orders that no later order looks for."""
    SPENDING = "spending"
    """The daily spending of API keys, of days long ago."""
    SHARES = "shares"
    """Shares that ended long ago."""
    WEBHOOKS = "webhooks"
    """Old messages to endpoints, and endpoints that are deleted or that no order uses."""
    ADMISSION = "admission"
    """Creates at provider accounts that no limit counts any more, and turns of customers who have not ordered since."""
    SESSIONS = "sessions"
    """Sign-ins on the Studio page that have ended."""
    PROCESSES = "processes"
    """Worker processes that have not reported themselves for an hour."""
    DELETED = "deleted"
    """Content of deleted customers that ended after the deletion."""


class ErrorCode(StrEnum):
    """The reason why a generation failed: `error.code`."""

    TIMEOUT = "timeout"
    NOT_STARTED = "not_started"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_REJECTED = "provider_rejected"
    PROVIDER_FAILED = "provider_failed"
    PROVIDER_AUTH_FAILED = "provider_auth_failed"
    PROVIDER_QUOTA_EXCEEDED = "provider_quota_exceeded"
    PROVIDER_BAD_RESPONSE = "provider_bad_response"
    CONTENT_REJECTED = "content_rejected"
    INPUT_UNREADABLE = "input_unreadable"
    SUBMIT_OUTCOME_UNKNOWN = "submit_outcome_unknown"
    DOWNLOAD_FAILED = "download_failed"
    RESULT_INVALID = "result_invalid"
    WORK_LOST = "work_lost"
    COST_ABOVE_PRICE = "cost_above_price"
    INTERNAL = "internal"
