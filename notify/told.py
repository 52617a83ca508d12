"""Makes the document of a committed event, for webhooks and for the streams in Redis.

The document says how the event left the generation, so it is the same whenever it is made. Only files that are gone
meanwhile, and the texts of a deleted generation, are missing later.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from notify.events import progress_of
from notify.resources import credits_of, links_of, outcome_of_end
from schemas.api import GenerationFailure
from schemas.enums import AssetRole, ErrorCode, Kind, Stage, TransferKind
from schemas.event_types import CATALOGUE_VERSION, EventType, type_of
from schemas.setting_groups import RetentionSettings
from schemas.stages import TERMINAL, status_of
from schemas.told_api import ToldEvent, ToldGeneration
from storage import assets
from storage.sql import Query, Sql, returns

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class EventFacts:
    """A committed move, and the facts of its generation that a document needs."""

    id: int
    """The event."""
    generation_id: UUID
    """The generation."""
    customer_id: UUID
    """The customer."""
    origin: str | None
    """The stage before the move. None: the generation is new."""
    stage: Stage
    """The stage after the move."""
    recorded: int | None
    """Percent done after the move. None in a row of a release that did not write it."""
    details: dict[str, object]
    """The details of the event's row."""
    created_at: datetime
    """The time of the move."""
    progress: int
    """Percent done now."""
    kind: Kind
    """Image or video."""
    model: str
    """The model."""
    price: int
    """The credits that the order held."""
    reference: str | None
    """The customer's id of the thing that the order is for."""
    metadata: dict[str, str]
    """The request's metadata."""
    batch_id: UUID | None
    """The batch that the generation belongs to."""
    was_accepted: bool
    """Whether a provider accepted the work, by now."""
    customer_reference: str | None
    """A service's own number or text for the customer."""
    is_test: bool
    """Whether the customer is a test customer."""
    kept: list[str]
    """The roles of the files that are kept now. Empty unless the move is the completion."""


def facts_where(condition: str) -> Query[EventFacts]:
    """The query of up to `limit` moves, in order, that meet an SQL condition of `events`."""
    return returns(EventFacts)(f"""
        SELECT e.id, e.generation_id, g.customer_id, e.origin, e.stage, e.progress AS recorded, e.data AS details,
            e.created_at, g.progress, g.kind, g.model, g.credits AS price, g."order" ->> 'reference' AS reference,
            coalesce(g."order" -> 'metadata', '{{}}') AS metadata, (g."order" ->> 'batch_id')::uuid AS batch_id,
            g.remote_id IS NOT NULL AS was_accepted, c.reference AS customer_reference,
            c.test_of IS NOT NULL AS is_test,
            CASE WHEN e.stage = 'completed' THEN ARRAY(
                SELECT role::text FROM assets WHERE generation_id = e.generation_id AND {assets.IS_KEPT}
            ) ELSE '{{}}' END AS kept
        FROM (
            SELECT id, generation_id, origin, stage, progress, data, created_at FROM events
            WHERE {condition} AND origin IS DISTINCT FROM stage ORDER BY id LIMIT %(limit)s
        ) AS e
        JOIN generations AS g ON g.id = e.generation_id
        JOIN customers AS c ON c.id = g.customer_id
        ORDER BY e.id
    """)  # noqa: S608 -- constants


_OF_IDS = facts_where("id = ANY(%(ids)s::bigint[])")


def of_events(sql: Sql, ids: Collection[int], retention: RetentionSettings) -> dict[int, ToldEvent]:
    """The documents of these events, by their ids. Entries of a timeline that are no moves have none."""
    found = sql.all(_OF_IDS, ids=list(ids), limit=len(ids), asset_days=retention.asset_days)
    return {facts.id: document(facts) for facts in found}


def texts_of_events(sql: Sql, ids: Collection[int], retention: RetentionSettings) -> dict[int, str]:
    """The documents of these events as JSON, by their ids. See `text_of`."""
    found = sql.all(_OF_IDS, ids=list(ids), limit=len(ids), asset_days=retention.asset_days)
    return {facts.id: text_of(facts) for facts in found}


def text_of(facts: EventFacts) -> str:
    """The document of an event as JSON. Where it cannot be made, a short one: no event holds up others."""
    try:
        return document(facts).model_dump_json()
    except Exception as error:  # noqa: BLE001 -- a bug, in any step
        # Without the message, which may quote the customer's metadata.
        log.error("event_has_no_document", event_id=facts.id, error=type(error).__name__)
        return json.dumps(
            {
                "id": str(facts.id),
                "type": type_name(facts),
                "version": CATALOGUE_VERSION,
                "created_at": facts.created_at.isoformat().replace("+00:00", "Z"),
                "sequence": facts.id,
                "data": {"generation_id": str(facts.generation_id), "customer_id": str(facts.customer_id)},
            }
        )


def type_name(facts: EventFacts) -> str:
    """The type of an event. A stage that this release does not know is a move."""
    try:
        return type_of(None if facts.origin is None else Stage(facts.origin), Stage(facts.stage))
    except ValueError:
        return EventType.MOVED


def document(facts: EventFacts) -> ToldEvent:
    """The document of an event."""
    moved = _moved(facts)
    error = _error(facts)
    return ToldEvent(
        id=str(facts.id),
        type=type_of(None if facts.origin is None else Stage(facts.origin), facts.stage),
        created_at=facts.created_at,
        sequence=facts.id,
        data=ToldGeneration(
            generation_id=facts.generation_id,
            status=status_of(facts.stage),
            stage=facts.stage,
            progress=progress_of(facts.stage, facts.recorded, facts.progress),
            kind=facts.kind,
            model=facts.model,
            reference=facts.reference,
            metadata=facts.metadata,
            batch_id=facts.batch_id,
            error=error,
            outcome=outcome_of_end(
                facts.stage,
                None if error is None else error.code,
                was_accepted=facts.was_accepted,
                is_charged=bool(moved.get(TransferKind.CAPTURE)),
            ),
            credits=credits_of(facts.price, moved),
            links=links_of(facts.generation_id, {AssetRole(role) for role in facts.kept}),
            customer_id=facts.customer_id,
            customer_reference=facts.customer_reference,
            is_test=facts.is_test,
        ),
    )


def _error(facts: EventFacts) -> GenerationFailure | None:
    if facts.stage is not Stage.FAILED:
        return None
    code = str(facts.details.get("code"))
    # The next release may have codes that this one does not know. A deletion removes the message.
    known = ErrorCode(code) if code in set(ErrorCode) else ErrorCode.INTERNAL
    return GenerationFailure(code=known, message=str(facts.details.get("message", "")))


def _moved(facts: EventFacts) -> Mapping[TransferKind, int]:
    """The credits of each kind of transfer. The end of a generation writes its transfer with the event."""
    held = {TransferKind.HOLD: facts.price}
    if facts.stage not in TERMINAL:
        return held
    is_captured = facts.stage is Stage.COMPLETED or bool(facts.details.get("is_charged"))
    return held | {TransferKind.CAPTURE if is_captured else TransferKind.RELEASE: facts.price}
