"""The closed vocabularies of Reelworks: one word for each idea."""

from enum import StrEnum


class Kind(StrEnum):
    """What a generation makes."""

    IMAGE = "image"
    VIDEO = "video"


class ProviderName(StrEnum):
    """A vendor with an adapter in `providers/`."""

    KIE = "kie"


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


class Queue(StrEnum):
    """The Celery queues: plain and direct, one for each task, so that no kind of work waits behind another."""

    SUBMIT = "submit"
    POLL = "poll"
    DOWNLOAD = "download"
    STORE = "store"
    SETTLE = "settle"
    REQUESTS = "requests"
    CONTROL = "control"


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
