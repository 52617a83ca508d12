"""The closed vocabularies of Reelworks: one word for each idea."""

from enum import StrEnum


class Kind(StrEnum):
    """What a generation makes."""

    IMAGE = "image"
    VIDEO = "video"


class Stage(StrEnum):
    """Where a generation stands. `schemas.stages` says which moves are allowed."""

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
    """What an entry of a generation's timeline tells of."""

    MOVED = "moved"
    """It went from one stage to another."""
    SUBMIT_UNKNOWN = "submit_unknown"
    """A create went out and nobody knows whether it was accepted."""
    SUBMIT_WITHDRAWN = "submit_withdrawn"
    """A create that was about to leave was kept here."""
    SUBMIT_ADOPTED = "submit_adopted"
    """The vendor's id of a create with unknown outcome was found."""
    CANCEL_REQUESTED = "cancel_requested"
    """The customer wants it stopped."""
    CANCEL_SENT = "cancel_sent"
    """The provider was asked to stop it, and answered."""
    CANCEL_TOO_LATE = "cancel_too_late"
    """The customer wanted it stopped, and the provider had finished it first."""
    CALLBACK_REPEATED = "callback_repeated"
    """The provider sent the same callback again: nothing follows."""
    CALLBACK_LATE = "callback_late"
    """A callback came for a generation that had moved on: it is kept, and changes nothing."""
    SUBMIT_LATE = "submit_late"
    """The vendor accepted a create after the generation had ended: paid work that nobody gets."""
    WRITE_REFUSED = "write_refused"
    """A worker that no longer held it wanted to write: a lost lease, or a commit whose acknowledgement was lost."""
    EXPIRED = "expired"
    """Its files were deleted after the time that they are kept."""


class CancelRule(StrEnum):
    """What becomes of the customer's credits when work that a provider has begun is cancelled."""

    IMPOSSIBLE = "impossible"
    """The provider cannot stop it: it is delivered, and charged like any other."""

    FREE = "free"
    """The provider does not bill what it stopped: the hold is released."""

    CHARGED = "charged"
    """The provider bills it all the same: the hold is captured."""


class AssetRole(StrEnum):
    """What a stored file is to its generation."""

    RESULT = "result"
    POSTER = "poster"


class AccountKind(StrEnum):
    """A side of a ledger transfer. A customer has the first two; the others exist once."""

    AVAILABLE = "available"
    HELD = "held"
    EQUITY = "equity"
    REVENUE = "revenue"


class TransferKind(StrEnum):
    """Why credits moved."""

    GRANT = "grant"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    REFUND = "refund"


class TaskName(StrEnum):
    """The Celery tasks, by the names that stand in messages and in Flower."""

    SUBMIT = "generation.submit"
    POLL = "generation.poll"
    DOWNLOAD = "generation.download"
    STORE = "generation.store"
    SETTLE = "generation.settle"
    ENQUEUE = "generation.enqueue"
    WAKE = "pipeline.wake"
    SWEEP = "pipeline.sweep"


class Queue(StrEnum):
    """The Celery queues: plain and direct, one for each task, so that no kind of work waits behind another."""

    SUBMIT = "submit"
    POLL = "poll"
    DOWNLOAD = "download"
    STORE = "store"
    SETTLE = "settle"
    REQUESTS = "requests"
    CONTROL = "control"
    SWEEP = "sweep"


class SweepKind(StrEnum):
    """What a sweep removes, in the order in which it does."""

    ASSETS = "assets"
    """Stored files that are older than their retention."""
    INPUTS = "inputs"
    """Customers' uploads that have expired."""
    OBJECTS = "objects"
    """Objects in the store that no row names."""
    UPLOADS = "uploads"
    """Multipart uploads that nobody finished."""
    RECEIPTS = "receipts"
    """Callbacks of generations that finished long ago."""
    KEYS = "keys"
    """Idempotency keys of generations that finished long ago."""


class ErrorCode(StrEnum):
    """Why a generation failed, as its `error.code` says it."""

    TIMEOUT = "timeout"
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
    INTERNAL = "internal"
