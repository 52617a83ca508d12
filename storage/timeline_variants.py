"""The facts of variants for a timeline: each variant of a result is one entry, pending or ended."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from schemas.variant_tables import Variant
from schemas.variants import FilePart, VariantState
from storage.variants.reading import StoredVariant

FOR_CUSTOMERS: Final = frozenset(
    {"name", "kind", "state", "origin", "content_type", "size_bytes", "width", "height", "duration_seconds"}
    | {"seconds", "is_being_made", "due_seconds", "code", "message"}
)
"""The facts that customers see. The others tell of workers and of failed tries."""


def moment_of(stored: StoredVariant) -> datetime:
    """The time of the entry: the end of the variant. While the variant is pending, the end of its generation."""
    at = stored.variant.finished_at or stored.variant.created_at
    if at is None:
        raise ValueError("a stored row has its time")
    return at


def facts_of(stored: StoredVariant, now: datetime) -> Mapping[str, Any]:
    """What a timeline tells of a variant. A fact that is null is left out, and so is a count of failures that is 0."""
    row = stored.variant
    facts = {"name": row.name, "kind": row.kind, "state": row.state, **_of_state(stored, now)}
    facts |= {"worker": row.holder, "claims": row.attempt}
    facts |= {"failures": row.failures or None, "crashes": row.crashes or None}
    return {name: value for name, value in facts.items() if value is not None}


def _of_state(stored: StoredVariant, now: datetime) -> dict[str, Any]:
    match stored.variant.state:
        case VariantState.PENDING:
            return _of_pending(stored.variant, now)
        case VariantState.READY:
            return _of_ready(stored)
        case VariantState.FAILED:
            return {"code": stored.variant.error_code, "message": stored.variant.error_message}


def _of_pending(row: Variant, now: datetime) -> dict[str, Any]:
    """How long a worker has made the variant, or how long the variant has waited for one.

    After a failed try: when the next try begins.
    """
    if row.lease_until is not None and row.lease_until >= now:
        return {"is_being_made": True, "seconds": _seconds(row.claimed_at, now)}
    is_due = row.wake_at is not None and row.wake_at <= now
    return {
        "is_being_made": False,
        "due_seconds": _seconds(row.wake_at, now) if is_due else None,
        "wake_at": row.wake_at.isoformat() if row.wake_at and not is_due else None,
    }


def _of_ready(stored: StoredVariant) -> dict[str, Any]:
    """A variant that is the result itself has no file. Its media is the entry of the result."""
    row, media = stored.variant, stored.file(FilePart.MEDIA)
    facts: dict[str, Any] = {"origin": row.origin, "seconds": _seconds(row.claimed_at, row.finished_at)}
    if media is None:
        return facts
    shown = ("content_type", "width", "height", "duration_seconds")
    return {**facts, "size_bytes": sum(file.size_bytes for file in stored.files)} | {
        name: getattr(media, name) for name in shown
    }


def _seconds(begun: datetime | None, ended: datetime | None) -> float | None:
    """The length of a time. None where a claim of an earlier release has left no begin."""
    return None if begun is None or ended is None else round((ended - begun).total_seconds(), 3)
