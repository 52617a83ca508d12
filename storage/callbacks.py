"""Callback receipts: kept once each, and turned into a wake-up while they can still matter."""

import hashlib
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from schemas.enums import EventName, Stage
from schemas.names import ProviderName
from schemas.stages import AWAITS_CALLBACK, TERMINAL
from schemas.tables import CallbackReceipt
from storage import timeline
from storage.generations import Wake, due_unless_held
from storage.statements import Executor

# A vendor sends a handful. Whoever varies a body for ever must not fill the table.
_MOST_RECEIPTS = 20

_TWICE = 2


def record(
    executor: Executor,
    provider: ProviderName,
    generation_id: UUID,
    *,
    remote_id: str,
    body: bytes,
    resend_after: float,
) -> Wake | None:
    """Keep a verified callback and mark its generation; the wake-up to send, if one is due now.

    Whoever sends the wake-up has `resend_after` seconds until the waker sends another one. A callback that comes while
    a worker holds the generation (its `remote_id` may not be committed yet) leaves `callback_at` behind: whoever gives
    the claim up sees it and wakes the generation at once.
    """
    given = {
        "generation_id": generation_id,
        "provider": provider,
        "remote_id": remote_id,
        "body": body,
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "resend_after": resend_after,
        "most_receipts": _MOST_RECEIPTS,
        "awaits_callback": [stage.value for stage in AWAITS_CALLBACK],
    }
    row = executor.execute(_RECORD, given).one_or_none()
    if row is None:
        return None
    stage = Stage(row.stage)
    _note(executor, generation_id, stage, {"provider": provider, "remote_id": remote_id}, row.deliveries)
    if not row.is_marked or row.lease_token is not None:
        return None
    return Wake(generation_id, stage, row.attempt, is_called_back=True)


_RECORD = text(f"""
    -- The lock decides whether the worker that is committing `remote_id` sees this callback or we see its commit.
    WITH found AS MATERIALIZED (
        SELECT id, stage, attempt, lease_token, remote_id FROM generations
        WHERE id = :generation_id AND provider = :provider FOR UPDATE
    ), kept AS (
        INSERT INTO callback_receipts (generation_id, provider, remote_id, body, body_sha256, deliveries)
        SELECT id, :provider, :remote_id, :body, :body_sha256, 1 FROM found
        WHERE (SELECT count(*) FROM callback_receipts WHERE generation_id = :generation_id) < :most_receipts
        ON CONFLICT (generation_id, body_sha256) DO UPDATE SET deliveries = callback_receipts.deliveries + 1
        RETURNING deliveries
    ), marked AS (
        UPDATE generations
        SET callback_at = clock_timestamp(), wake_at = {due_unless_held("make_interval(secs => :resend_after)")}
        FROM found
        WHERE generations.id = found.id AND found.stage = ANY(:awaits_callback)
            AND coalesce(found.remote_id = :remote_id, true)
        RETURNING true
    )
    SELECT stage, attempt, lease_token, (SELECT deliveries FROM kept), EXISTS (SELECT FROM marked) AS is_marked
    FROM found
""")  # noqa: S608 -- built of constants


def find_generation(executor: Executor, provider: ProviderName, remote_id: str) -> UUID | None:
    """The newest generation for which a provider accepted work with this id; None if there is none, or not yet."""
    found: UUID | None = executor.execute(_FIND, {"provider": provider, "remote_id": remote_id}).scalar_one_or_none()
    return found


_FIND = text("""
    SELECT id FROM generations WHERE provider = :provider AND remote_id = :remote_id ORDER BY created_at DESC LIMIT 1
""")


def adoptable_remote_id(session: Session, generation_id: UUID, provider: ProviderName) -> str | None:
    """The vendor's id that a callback brought, for a submit whose outcome nobody knows."""
    return session.exec(
        select(CallbackReceipt.remote_id)
        .where(CallbackReceipt.generation_id == generation_id, CallbackReceipt.provider == provider)
        .order_by(col(CallbackReceipt.id).desc())
    ).first()


def _note(
    executor: Executor, generation_id: UUID, stage: Stage, data: Mapping[str, object], deliveries: int | None
) -> None:
    """Show on the timeline what changes nothing: a repeat, once, and what comes after the end."""
    if deliveries == 1 and stage in TERMINAL:
        timeline.note(executor, generation_id, EventName.CALLBACK_LATE, data)
    if deliveries == _TWICE:
        timeline.note(executor, generation_id, EventName.CALLBACK_REPEATED, data)
