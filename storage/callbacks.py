"""Callback receipts: stores each callback once, and wakes the generation while it waits for a callback."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from schemas.enums import EventName, Kind, Stage
from schemas.names import ProviderName
from schemas.stages import AT_PROVIDER, TERMINAL
from storage import transitions
from storage.generations import Wake
from storage.sql import IS_FREE, Sql, returns

# A vendor sends a handful of callbacks. A sender of endlessly different bodies must not fill the table.
_MOST_RECEIPTS = 20

_SECONDS_BETWEEN_READS = 1.0

_TWICE = 2


@dataclass(frozen=True)
class Recorded:
    """The effect of a callback."""

    wake: Wake | None = None
    """The wake-up to send now. None: none is due."""
    traceparent: str | None = None
    """The place of the generation's order in a trace. None: there is no trace, or no such generation."""


def record(
    sql: Sql,
    provider: ProviderName,
    generation_id: UUID,
    *,
    remote_id: str,
    body: bytes,
    resend_after: float,
    span_id: str | None = None,
) -> Recorded:
    """Store a verified callback and mark its generation.

    The vendor is read at once after the first callback. After every other callback the read waits until one second
    after the newest claim: a stranger who has seen a signed callback can repeat it, and change the parts that the
    signature does not cover.

    If the caller does not send the wake-up, the waker sends one after `resend_after` seconds. A callback during a claim
    only sets `callback_at`, because the worker may not have committed `remote_id` yet. The write that gives up the
    claim sees `callback_at` and makes the generation due.

    Args:
        span_id: the span of the callback's request. None: there is none.
    """
    row = sql.first(
        _RECORD, generation_id=generation_id, provider=provider, remote_id=remote_id, body=body,
        body_sha256=hashlib.sha256(body).hexdigest(), resend_after=resend_after, most_receipts=_MOST_RECEIPTS,
        awaits_callback=[stage.value for stage in AT_PROVIDER], gap=_SECONDS_BETWEEN_READS,
        span=span_id,
    )  # fmt: skip
    if row is None:
        return Recorded()
    _note(sql, generation_id, row.stage, {"provider": provider, "remote_id": remote_id}, row.deliveries)
    wake = Wake(generation_id, row.stage, row.attempt, is_called_back=True) if row.is_due else None
    return Recorded(wake, row.traceparent)


@dataclass(frozen=True)
class _Marked:
    """A callback's generation, and the effect of the callback."""

    stage: Stage
    """The generation's stage."""
    attempt: int
    """The generation's number of claims so far."""
    deliveries: int | None
    """The number of callbacks with the same body. None: the generation has too many receipts already."""
    is_due: bool
    """Whether the callback made the generation due now."""
    traceparent: str | None
    """The place of the generation's order in a trace. None: there is no trace."""


# A run as `lost_runs` lists it. A late callback of a lost run wakes nothing, and its id is adopted by no later run.
_RUN = "jsonb_build_array(jsonb_build_object('provider', {}::text, 'remote_id', {}::text))"

_RECORD = returns(_Marked)(f"""
    -- The lock decides whether the worker that is committing `remote_id` sees this callback or we see its commit.
    WITH found AS MATERIALIZED (
        SELECT id, stage, attempt, remote_id, lease_until, claimed_at, callback_at, traceparent, lost_runs
        FROM generations
        WHERE id = %(generation_id)s AND provider = %(provider)s AND deleted_at IS NULL FOR UPDATE
    ), kept AS (
        INSERT INTO callback_receipts (generation_id, provider, remote_id, body, body_sha256, deliveries)
        SELECT id, %(provider)s, %(remote_id)s, %(body)s, %(body_sha256)s, 1 FROM found
        WHERE (SELECT count(*) FROM callback_receipts WHERE generation_id = %(generation_id)s) < %(most_receipts)s
        ON CONFLICT (generation_id, body_sha256) DO UPDATE SET deliveries = callback_receipts.deliveries + 1
        RETURNING deliveries
    ), meant AS MATERIALIZED (
        SELECT id, {IS_FREE} AS is_free, CASE
            -- An earlier callback has its read to come. That read sees the news of this callback, too.
            WHEN callback_at > claimed_at THEN NULL
            WHEN callback_at IS NULL THEN clock_timestamp()
            ELSE greatest(clock_timestamp(), claimed_at + make_interval(secs => %(gap)s))
        END AS read_at
        FROM found
        WHERE found.stage = ANY(%(awaits_callback)s) AND coalesce(found.remote_id = %(remote_id)s, true)
            AND NOT found.lost_runs @> {_RUN.format("%(provider)s", "%(remote_id)s")}
    ), marked AS (
        UPDATE generations
        SET callback_at = read_at, last_span = coalesce(%(span)s, last_span), wake_at = CASE
            -- The write that gives up the claim sees `callback_at`.
            WHEN NOT is_free THEN wake_at
            WHEN read_at > clock_timestamp() THEN least(wake_at, read_at)
            ELSE clock_timestamp() + make_interval(secs => %(resend_after)s)
        END
        FROM meant
        WHERE generations.id = meant.id AND read_at IS NOT NULL
        RETURNING is_free AND read_at <= clock_timestamp() AS is_due
    )
    SELECT
        stage, attempt, (SELECT deliveries FROM kept), coalesce((SELECT is_due FROM marked), false) AS is_due,
        traceparent
    FROM found
""")  # noqa: S608 -- a constant


def replay(sql: Sql, generation_id: UUID) -> bool:
    """Let the stored callbacks of a generation count as if they came now: the vendor is read once.

    Returns False if the generation waits for no callback, or none is stored about its work.
    """
    waits = [stage.value for stage in AT_PROVIDER]
    return sql.first(_REPLAY, generation_id=generation_id, awaits_callback=waits) is not None


# During a claim, `wake_at` stays: the write that gives up the claim sees `callback_at`.
_REPLAY = returns(UUID)(f"""
    UPDATE generations
    SET callback_at = clock_timestamp(), wake_at = CASE WHEN {IS_FREE} THEN clock_timestamp() ELSE wake_at END
    WHERE id = %(generation_id)s AND stage = ANY(%(awaits_callback)s) AND EXISTS (
        SELECT FROM callback_receipts receipt
        WHERE receipt.generation_id = generations.id AND receipt.provider = generations.provider
          AND coalesce(receipt.remote_id = generations.remote_id, true)
          AND NOT generations.lost_runs @> {_RUN.format("receipt.provider", "receipt.remote_id")}
    )
    RETURNING id
""")  # noqa: S608 -- a constant


def find_generation(sql: Sql, provider: ProviderName, remote_id: str) -> UUID | None:
    """The newest generation with this remote id at this provider. None if no row has the id, or not yet."""
    return sql.first(_FIND, provider=provider, remote_id=remote_id)


_FIND = returns(UUID)("""
    SELECT id FROM generations WHERE provider = %(provider)s AND remote_id = %(remote_id)s
    ORDER BY created_at DESC LIMIT 1
""")


def may_have_reference(sql: Sql, generation_id: UUID, kind: Kind, reference: str) -> bool:
    """Whether a generation of this kind was ordered with this reference. A deleted one has lost its reference."""
    return sql.first(_WITH_ID, generation_id=generation_id, kind=kind.value, reference=reference) is not None


def find_by_reference(sql: Sql, provider: ProviderName, remote_id: str, kind: Kind, reference: str) -> UUID | None:
    """The newest generation with this task of a provider, this kind and this reference. None if there is none.

    References are not unique, so a reference alone finds nothing.
    """
    return sql.first(_WITH_TASK, provider=provider, remote_id=remote_id, kind=kind.value, reference=reference)


_HAS_REFERENCE = """"order" ->> 'reference' = %(reference)s"""

_WITH_ID = returns(UUID)(f"""
    SELECT id FROM generations WHERE id = %(generation_id)s AND kind = %(kind)s
    AND (deleted_at IS NOT NULL OR {_HAS_REFERENCE})
""")  # noqa: S608 -- a constant

_WITH_TASK = returns(UUID)(f"""
    SELECT id FROM generations
    WHERE provider = %(provider)s AND remote_id = %(remote_id)s AND kind = %(kind)s AND {_HAS_REFERENCE}
    ORDER BY created_at DESC LIMIT 1
""")  # noqa: S608 -- a constant


def adoptable_remote_id(sql: Sql, generation_id: UUID, provider: ProviderName) -> str | None:
    """The remote id in the newest callback, for a create whose result is unknown."""
    return sql.first(_ADOPTABLE, generation_id=generation_id, provider=provider)


_ADOPTABLE = returns(str)(f"""
    SELECT receipt.remote_id FROM callback_receipts receipt JOIN generations ON generations.id = generation_id
    WHERE generation_id = %(generation_id)s AND receipt.provider = %(provider)s
      AND NOT lost_runs @> {_RUN.format("receipt.provider", "receipt.remote_id")}
    ORDER BY receipt.id DESC LIMIT 1
""")  # noqa: S608 -- a constant


def _note(sql: Sql, generation_id: UUID, stage: Stage, data: Mapping[str, object], deliveries: int | None) -> None:
    """Add callbacks without an effect to the timeline: the first repeat, and a callback after the end."""
    if deliveries == 1 and stage in TERMINAL:
        transitions.note(sql, generation_id, EventName.CALLBACK_LATE, data)
    if deliveries == _TWICE:
        transitions.note(sql, generation_id, EventName.CALLBACK_REPEATED, data)
