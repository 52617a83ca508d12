"""The bodies of messages. An event has the same body in every try."""

import json
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from notify import told
from schemas.event_types import CATALOGUE_VERSION
from schemas.setting_groups import RetentionSettings
from schemas.webhook_tables import WebhookDelivery
from storage.lists import place_of
from storage.sql import Sql
from storage.webhooks.sending import Claimed


def of_claims(sql: Sql, claims: Collection[Claimed], retention: RetentionSettings) -> dict[UUID, bytes]:
    """The bodies of claimed deliveries, by delivery. Those of an event that no longer exists are missing."""
    events = {each.event_id for each in claims if each.event_id is not None}
    documents = told.texts_of_events(sql, events, retention) if events else {}
    encoded = {event_id: document.encode() for event_id, document in documents.items()}
    bodies = {each.delivery_id: encoded[each.event_id] for each in claims if each.event_id in encoded}
    return bodies | {
        each.delivery_id: _without_event(each.delivery_id, each.type, each.created_at, each.data).encode()
        for each in claims
        if each.event_id is None
    }


def of_delivery(sql: Sql, row: WebhookDelivery, retention: RetentionSettings) -> str | None:
    """The body that each attempt of a delivery sends. None: its event no longer exists."""
    if row.event_id is None:
        return _without_event(row.id, row.type, place_of(row).created_at, row.data)
    return told.texts_of_events(sql, [row.event_id], retention).get(row.event_id)


def _without_event(delivery_id: UUID, kind: str, created_at: datetime, data: dict[str, object] | None) -> str:
    """The body of a message that tells no move of a generation."""
    document = {
        "id": str(delivery_id),
        "type": kind,
        "version": CATALOGUE_VERSION,
        "created_at": created_at.isoformat().replace("+00:00", "Z"),
        "sequence": None,
        "data": data or {},
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
