"""Makes the document of a timeline: for operators with all facts, for customers without providers and workers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, TypeVar

from schemas.enums import EventName, Stage, TransferKind
from schemas.stages import status_of
from schemas.timeline_api import (
    Claimed,
    OperatorsEntry,
    OperatorsTimeline,
    OtherEntry,
    Timeline,
    TimelineEntry,
    Waiting,
)
from schemas.trace_context import TraceContext
from storage import timeline_variants
from storage.timeline import Records

E = TypeVar("E", bound=TimelineEntry)

_OF_CALLBACKS = ("provider", "remote_id", "size_bytes", "deliveries")
_OF_FILES = ("role", "content_type", "size_bytes", "width", "height", "duration_seconds", "expired_at")
_OF_WEBHOOKS = ("type", "delivery_id", "endpoint_id", "state", "number", "status", "error", "seconds")
_OF_TRANSFERS = ("amount", "reference", "reason")

FOR_CUSTOMERS: Final[Mapping[str, frozenset[str]]] = {
    EventName.MOVED: frozenset({"code", "message", "is_charged", "differences"}),
    EventName.TRY_FAILED: frozenset({"times", "until"}),
    EventName.CANCEL_REQUESTED: frozenset(),
    EventName.CANCEL_TOO_LATE: frozenset(),
    EventName.EXPIRED: frozenset(),
    EventName.DELETED: frozenset(),
    TransferKind.HOLD: frozenset({"amount"}),
    TransferKind.CAPTURE: frozenset({"amount"}),
    TransferKind.RELEASE: frozenset({"amount"}),
    TransferKind.REFUND: frozenset({"amount"}),
    OtherEntry.STORED: frozenset(_OF_FILES),
    OtherEntry.VARIANT: timeline_variants.FOR_CUSTOMERS,
    OtherEntry.WEBHOOK: frozenset(_OF_WEBHOOKS),
}
"""The entries that customers see, and the details of each that they see. All else is for operators."""


def for_operators(records: Records) -> OperatorsTimeline:
    """The timeline with every entry."""
    row = records.generation
    is_claimed = row.lease_until is not None and row.lease_until > records.now
    asked, wait = row.order.get("requested_model"), records.surroundings.wait
    return OperatorsTimeline(
        **_head(records),
        entries=_entries(records),
        customer_id=row.customer_id,
        requested_model=asked if isinstance(asked, str) and asked != row.model else None,
        provider=row.provider,
        remote_id=row.remote_id,
        credits=row.credits,
        error_code=row.error_code,
        error_message=row.error_message,
        attempt=row.attempt,
        failures=row.failures,
        crashes=row.crashes,
        wake_at=row.wake_at,
        deadline_at=row.deadline_at,
        claim=Claimed(worker=row.holder or "", since=row.claimed_at, until=row.lease_until) if is_claimed else None,
        waits=None if wait is None else Waiting(**asdict(wait)),
        batch_id=row.order.get("batch_id"),
        retry_of=row.order.get("retry_of"),
        continuation_of=row.order.get("continuation_of"),
        downloads=records.downloads,
        deleted_at=row.deleted_at,
    )


def for_customers(records: Records) -> Timeline[TimelineEntry]:
    """The timeline with the entries and details that are the customer's."""
    begun = _moment(records.generation.created_at)
    shown = [
        _entry(begun, entry.at, entry.name, entry.stage, {name: entry.details[name] for name in seen})
        for entry in _entries(records)
        if entry.name in FOR_CUSTOMERS
        for seen in [FOR_CUSTOMERS[entry.name] & entry.details.keys()]
    ]
    return Timeline[TimelineEntry](**_head(records), entries=_with_gaps(shown))


def _head(records: Records) -> dict[str, Any]:
    row, place = records.generation, TraceContext.read(records.generation.traceparent)
    begun = _moment(row.created_at)
    return {
        "generation_id": row.id,
        "kind": row.kind,
        "model": row.model,
        "status": status_of(row.stage),
        "stage": row.stage,
        "created_at": begun,
        "finished_at": row.finished_at,
        "seconds": _seconds(begun, row.finished_at or records.now),
        "trace_id": place.trace_id if place else None,
    }


def _entries(records: Records) -> list[OperatorsEntry]:
    """Every entry in the order of time. Of one moment, events come before their transfers, files and variants."""
    begun, stage, attempt = _moment(records.generation.created_at), Stage.QUEUED, 0
    entries: list[OperatorsEntry] = []
    for at, name, to, facts in sorted(_facts(records), key=lambda fact: fact[0]):
        stage = to or stage
        author, found_by = facts.pop("by", {}), facts.pop("found_by", None)
        plain = _entry(begun, at, name, stage, facts)
        entry = OperatorsEntry.model_validate({**plain.model_dump(), **author, "found_by": found_by})
        if entry.attempt is not None:
            entry.quiet_claims = max(0, entry.attempt - attempt - 1)
            attempt = entry.attempt
        entries.append(entry)
    return _with_gaps(entries)


_Fact = tuple[datetime, str, Stage | None, dict[str, Any]]
"""A time, the name of the entry, its stage if it is an event, and details."""


def _facts(records: Records) -> Iterator[_Fact]:
    for event in records.events:
        yield _moment(event.created_at), event.name, event.stage, dict(event.data)
    for receipt in records.receipts:
        yield receipt.created_at, OtherEntry.CALLBACK, None, _columns(receipt, _OF_CALLBACKS)
    for transfer in records.transfers:
        yield _moment(transfer.created_at), transfer.kind, None, _columns(transfer, _OF_TRANSFERS)
    for sent in records.webhooks:
        yield sent.at, OtherEntry.WEBHOOK, None, _columns(sent, _OF_WEBHOOKS)
    for breaker in records.surroundings.breakers:
        yield breaker.at, OtherEntry.BREAKER, None, dict(breaker.facts)
    for change in records.surroundings.changes:
        yield change.at, OtherEntry.CHANGE, None, dict(change.facts)
    for asset in records.assets:
        yield _moment(asset.created_at), OtherEntry.STORED, None, _columns(asset, _OF_FILES)
    for variant in records.variants:
        at, facts = timeline_variants.moment_of(variant), timeline_variants.facts_of(variant, records.now)
        yield at, OtherEntry.VARIANT, None, dict(facts)


def _columns(row: object, names: Sequence[str]) -> dict[str, Any]:
    """These columns of a row as JSON, without those that are null."""
    found = {name: getattr(row, name) for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in found.items()
        if value is not None
    }


def _entry(begun: datetime, at: datetime, name: str, stage: Stage, details: dict[str, Any]) -> TimelineEntry:
    seconds = _seconds(begun, at)
    return TimelineEntry(at=at, seconds=seconds, gap_seconds=0.0, name=name, stage=stage, details=details)


def _with_gaps(entries: list[E]) -> list[E]:
    """Set the seconds from each entry to the next."""
    for before, entry in pairwise(entries):
        entry.gap_seconds = round(entry.seconds - before.seconds, 3)
    return entries


def _seconds(begun: datetime, at: datetime) -> float:
    return round((at - begun).total_seconds(), 3)


def _moment(at: datetime | None) -> datetime:
    if at is None:
        raise ValueError("a stored row has its time")
    return at
