"""Reads what happened around a generation: the breakers of its routes, what operators changed, and its place now."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import TextClause, text
from sqlmodel import Session

from schemas.limits import HeldBy, Place
from schemas.orders import Order
from schemas.tables import Generation

_MOST: Final = 50

# Of the time in which the generation waited for its provider. What came later changed nothing for it.
_BREAKERS = text("""
    SELECT r.at, r.provider, r.vendor_model, r.state, r.reason,
           CASE WHEN r.generation_id = :id THEN true END AS is_own_probe
    FROM jsonb_array_elements(CAST(:routes AS jsonb)) AS listed (route)
    JOIN route_changes r ON r.provider = listed.route ->> 'provider' AND r.vendor_model = listed.route ->> 'model'
    WHERE r.at BETWEEN :begin AND :finish ORDER BY r.at LIMIT :most
""")

# With the pauses that had begun before.
_CHANGES = text("""
    SELECT created_at AS at, author, action, scope, name, reason FROM admission_changes
    WHERE created_at BETWEEN :begin AND :finish AND name = ANY(:names)
    UNION ALL
    SELECT * FROM (
        SELECT DISTINCT ON (scope, name) created_at, author, action, scope, name, reason FROM admission_changes
        WHERE created_at < :begin AND name = ANY(:names) AND action IN ('pause', 'resume')
        ORDER BY scope, name, created_at DESC
    ) AS before WHERE action = 'pause'
    ORDER BY at LIMIT :most
""")

_WAIT = text("""
    SELECT provider, place, held_by, asked_at AS since FROM admissions
    WHERE generation_id = :id AND place IN ('waiting', 'held')
""")


@dataclass(frozen=True)
class Surrounding:
    """Something that happened around a generation."""

    at: datetime
    """The time."""
    facts: Mapping[str, Any]
    """The facts, without those that are null."""


@dataclass(frozen=True)
class Wait:
    """The wait of a generation for a place at its account."""

    provider: str
    """The account."""
    place: Place
    """In the queue, or out of it."""
    held_by: HeldBy | None
    """Why the generation is out of the queue."""
    since: datetime
    """The time of the ask."""


@dataclass(frozen=True)
class Surroundings:
    """All that happened around a generation while it waited for its provider."""

    breakers: Sequence[Surrounding]
    """The changes of the breakers of its routes."""
    changes: Sequence[Surrounding]
    """What operators changed: pauses and limits of its model, its accounts, its routes and its customer."""
    wait: Wait | None
    """The present wait."""


def read(session: Session, generation: Generation, now: datetime) -> Surroundings:
    """What happened around a generation until its provider accepted it, or until its end."""
    routes = Order.model_validate(generation.order).routes
    span = {
        "id": generation.id,
        "begin": generation.created_at,
        "finish": generation.started_at or generation.finished_at or now,
        "most": _MOST,
    }
    names = [generation.model, str(generation.customer_id)]
    names += [name for route in routes for name in (route.provider, f"{route.provider}/{route.model}")]
    wait = session.execute(_WAIT, {"id": generation.id}).one_or_none()
    return Surroundings(
        breakers=_all(session, _BREAKERS, {**span, "routes": json.dumps([route.model_dump() for route in routes])}),
        changes=_all(session, _CHANGES, {**span, "names": names}),
        wait=None if wait is None else Wait(wait.provider, Place(wait.place), wait.held_by, wait.since),
    )


def _all(session: Session, query: TextClause, given: Mapping[str, object]) -> list[Surrounding]:
    return [
        Surrounding(row["at"], {name: value for name, value in row.items() if name != "at" and value is not None})
        for row in session.execute(query, given).mappings()
    ]
