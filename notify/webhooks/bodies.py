"""The bodies of messages. An event has the same body in every try."""

import json
from collections.abc import Collection
from uuid import UUID

from notify import told
from schemas.event_types import CATALOGUE_VERSION
from schemas.setting_groups import RetentionSettings
from storage.sql import Sql
from storage.webhooks.sending import Claimed


def of_claims(sql: Sql, claims: Collection[Claimed], retention: RetentionSettings) -> dict[UUID, bytes]:
    """The bodies of claimed deliveries, by delivery. Those of an event that no longer exists are missing."""
    events = {each.event_id for each in claims if each.event_id is not None}
    documents = told.texts_of_events(sql, events, retention) if events else {}
    encoded = {event_id: document.encode() for event_id, document in documents.items()}
    bodies = {each.delivery_id: encoded[each.event_id] for each in claims if each.event_id in encoded}
    return bodies | {each.delivery_id: _without_generation(each) for each in claims if each.event_id is None}


def _without_generation(claimed: Claimed) -> bytes:
    """The body of an event that is no move of a generation."""
    document = {
        "id": str(claimed.delivery_id),
        "type": claimed.type,
        "version": CATALOGUE_VERSION,
        "created_at": claimed.created_at.isoformat().replace("+00:00", "Z"),
        "sequence": None,
        "data": claimed.data or {},
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
