"""Claims of variants, and the writes under a claim. The rows decide, as for generations: messages are wake-ups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from schemas.errors import LeaseLost
from schemas.event_types import EventType
from schemas.variants import FilePart, VariantError, VariantOrigin, VariantState
from schemas.webhooks import filters_for
from storage.sql import IS_FREE, Sql, returns

PREFIX = "variants/"
"""The keys of all files of variants. Releases before variants do not know this prefix, and remove nothing below it."""


@dataclass(frozen=True)
class VariantWake:
    """A wake-up: the parts of a variant that its message needs."""

    variant_id: UUID
    """The variant to make."""
    generation_id: UUID
    """The generation, for the name of the task."""
    attempt: int
    """The variant's number of claims so far. A claim must match this number."""


@dataclass(frozen=True, slots=True)
class _Row:
    """The row of a new claim, with the result that the variant is made of."""

    id: UUID
    generation_id: UUID
    customer_id: UUID
    name: str
    kind: str
    spec: dict[str, object]
    attempt: int
    failures: int
    crashes: int
    created_at: datetime
    claimed_at: datetime
    media_kind: str
    result_key: str | None
    result_type: str | None
    result_bytes: int | None
    traceparent: str | None


@dataclass(frozen=True)
class VariantClaim:
    """A worker's right to make a variant while the lease is valid."""

    row: _Row
    """The row at the claim. The fields of the result are None if the result is deleted."""
    token: UUID
    """The fencing token of the lease."""

    @property
    def id(self) -> UUID:
        """The variant's id."""
        return self.row.id


@dataclass(frozen=True)
class NewFile:
    """A stored file without its row."""

    part: FilePart
    """Which file of the variant."""
    object_key: str
    """The key in the object store."""
    content_type: str
    """The media type."""
    size_bytes: int
    """The length of the file."""
    sha256: str
    """The hash of the file, in lower-case hex."""
    width: int | None = None
    """In pixels. None for a text."""
    height: int | None = None
    """In pixels. None for a text."""
    duration_seconds: float | None = None
    """The length of a video or an animation."""
    frame_rate: float | None = None
    """Frames per second, where they are known."""
    codec: str | None = None
    """FFmpeg's name of the codec. None for a text."""


_TAKE_DUE = returns(VariantWake)(f"""
    WITH due AS (
        SELECT id, wake_at, row_number() OVER (PARTITION BY customer_id ORDER BY wake_at, id) AS turn
        FROM variants WHERE wake_at <= now() AND {IS_FREE}
    ), first AS (
        SELECT id FROM due ORDER BY turn, wake_at LIMIT %(limit)s
    ), picked AS (
        SELECT id FROM first JOIN variants USING (id)
        WHERE (variants.wake_at <= now()) IS TRUE FOR UPDATE OF variants SKIP LOCKED
    )
    UPDATE variants SET wake_at = clock_timestamp() + make_interval(secs => %(resend_after)s)
    FROM picked WHERE variants.id = picked.id
    RETURNING variants.id AS variant_id, generation_id, attempt
""")  # noqa: S608 -- a constant

_CLAIM = returns(_Row)(f"""
    WITH claimed AS (
        UPDATE variants SET
            lease_token = %(token)s,
            lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
            wake_at = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
            holder = %(holder)s,
            attempt = attempt + 1,
            crashes = crashes + (lease_token IS NOT NULL)::int
        WHERE id = %(id)s AND state = 'pending' AND attempt = %(attempt)s AND {IS_FREE}
        RETURNING id, generation_id, customer_id, name, kind, spec, attempt, failures, crashes, created_at
    )
    SELECT claimed.*, clock_timestamp() AS claimed_at, g.kind AS media_kind, a.object_key AS result_key,
           a.content_type AS result_type, a.size_bytes AS result_bytes, g.traceparent
    FROM claimed JOIN generations g ON g.id = claimed.generation_id
    LEFT JOIN assets a ON a.generation_id = g.id AND a.role = 'result' AND a.expired_at IS NULL
""")  # noqa: S608 -- a constant

_RENEW = returns(UUID)("""
    UPDATE variants SET
        lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
        wake_at = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
    WHERE id = ANY(%(ids)s) AND lease_token = ANY(%(tokens)s) AND state = 'pending'
    RETURNING lease_token
""")

_HAND_BACK = returns(UUID)("""
    UPDATE variants SET lease_token = NULL, lease_until = NULL, wake_at = clock_timestamp()
    WHERE id = ANY(%(ids)s) AND lease_token = ANY(%(tokens)s) AND state = 'pending'
    RETURNING id
""")

_MAKE_DUE = f"""
    UPDATE variants SET wake_at = clock_timestamp() + make_interval(secs => %(seconds)s)
    WHERE id = %(id)s AND attempt = %(attempt)s AND state = 'pending' AND {IS_FREE}
"""  # noqa: S608 -- a constant

_PUT_BACK = returns(UUID)("""
    UPDATE variants SET
        lease_token = NULL, lease_until = NULL, failures = failures + %(failed)s, crashes = crashes + %(crashed)s,
        wake_at = clock_timestamp() + make_interval(secs => %(seconds)s)
    WHERE id = %(id)s AND lease_token = %(token)s AND state = 'pending'
    RETURNING id
""")

# The rows of files and of messages refer to the generation, so their inserts lock its row. A deletion locks that row
# before all others. So an end does, too: otherwise the two would deadlock.
_LOCK_GENERATION = "SELECT FROM generations WHERE id = %(generation_id)s FOR KEY SHARE"

# Two variants of a result may end at once: the lock lets the second one see the end of the first.
_LOCK = returns(UUID)("SELECT id FROM variants WHERE generation_id = %(generation_id)s ORDER BY id FOR NO KEY UPDATE")

# The lock keeps a deletion of the result out until the rows of the files are committed.
_RESULT_IS_KEPT = returns(UUID)("""
    SELECT id FROM assets WHERE generation_id = %(generation_id)s AND role = 'result' AND expired_at IS NULL FOR SHARE
""")

_END = returns(UUID)("""
    UPDATE variants SET
        state = %(state)s, origin = %(origin)s, error_code = %(code)s, error_message = %(message)s,
        wake_at = NULL, lease_token = NULL, lease_until = NULL, finished_at = clock_timestamp()
    WHERE id = %(id)s AND lease_token = %(token)s AND state = 'pending'
    RETURNING id
""")

_ADD_FILE = """
    INSERT INTO variant_files (
        variant_id, generation_id, part, object_key, content_type, size_bytes, sha256, width, height, duration_seconds,
        frame_rate, codec
    ) VALUES (
        %(variant_id)s, %(generation_id)s, %(part)s, %(object_key)s, %(content_type)s, %(size_bytes)s, %(sha256)s,
        %(width)s, %(height)s, %(duration_seconds)s, %(frame_rate)s, %(codec)s
    )
"""

_NAMES_ANY = returns(UUID)("SELECT id FROM variant_files WHERE object_key = ANY(%(keys)s) LIMIT 1")

_STATES = returns(lambda name, kind, state, code: {"name": name, "kind": kind, "state": state, "error_code": code})("""
    SELECT name, kind, state, error_code FROM variants WHERE generation_id = %(generation_id)s ORDER BY position
""")

_TELL = """
    INSERT INTO webhook_deliveries (endpoint_id, customer_id, generation_id, type, data)
    SELECT endpoint.id, %(customer_id)s, %(generation_id)s, %(type)s, %(data)s
    FROM (
        SELECT id, types FROM webhook_endpoints
        WHERE customer_id = %(customer_id)s AND deleted_at IS NULL AND NOT is_implicit
        UNION ALL
        SELECT id, types FROM webhook_endpoints
        WHERE id = (SELECT endpoint_id FROM webhook_generations WHERE generation_id = %(generation_id)s)
          AND deleted_at IS NULL
    ) AS endpoint
    WHERE endpoint.types && %(filters)s
"""


def take_due(sql: Sql, *, limit: int, resend_after: float) -> list[VariantWake]:
    """Take variants that are due, and put their next look off by `resend_after` seconds. Customers take turns."""
    return sql.all(_TAKE_DUE, limit=limit, resend_after=resend_after)


def claim(sql: Sql, variant_id: UUID, *, attempt: int, lease_seconds: float, holder: str = "") -> VariantClaim | None:
    """Claim a pending variant. None: another worker has a claim, or the variant has ended or is deleted."""
    token = uuid4()
    row = sql.first(_CLAIM, id=variant_id, attempt=attempt, token=token, lease_seconds=lease_seconds, holder=holder)
    return None if row is None else VariantClaim(row, token)


def renew_leases(sql: Sql, held: Mapping[UUID, UUID], *, lease_seconds: float) -> set[UUID]:
    """Extend leases, given as variant ids by token. Returns the tokens of the extended leases."""
    return set(sql.all(_RENEW, ids=list(held.values()), tokens=list(held), lease_seconds=lease_seconds))


def hand_back(sql: Sql, held: Mapping[UUID, UUID]) -> set[UUID]:
    """Give up claims, given as variant ids by token. Returns the tokens that were valid. The rows are due at once."""
    given = set(sql.all(_HAND_BACK, ids=list(held.values()), tokens=list(held)))
    return {token for token, variant_id in held.items() if variant_id in given}


def leave(sql: Sql, variant_id: UUID, *, attempt: int, seconds: float) -> None:
    """Put a variant without a claim off: the process has no place for it."""
    sql.run(_MAKE_DUE, id=variant_id, attempt=attempt, seconds=seconds)


def put_back(sql: Sql, claimed: VariantClaim, *, seconds: float, failed: bool = False, crashed: bool = False) -> None:
    """End a claim, and try again later.

    Args:
        seconds: the pause.
        failed: whether the try counts as a failure.
        crashed: whether the try counts as a crash.

    Raises:
        LeaseLost: the claim is not valid any more.
    """
    written = sql.first(
        _PUT_BACK, id=claimed.id, token=claimed.token, seconds=seconds, failed=int(failed), crashed=int(crashed)
    )
    if written is None:
        raise LeaseLost("the variant has another claim, or has ended")


def finish(sql: Sql, claimed: VariantClaim, origin: VariantOrigin, files: Iterable[NewFile]) -> bool:
    """Make a variant ready, with its files. Returns False, and writes nothing, if the result is deleted by now.

    Raises:
        LeaseLost: the claim is not valid any more.
    """
    sql.run(_LOCK_GENERATION, generation_id=claimed.row.generation_id)
    if sql.first(_RESULT_IS_KEPT, generation_id=claimed.row.generation_id) is None:
        return False
    _end(sql, claimed, VariantState.READY, origin=origin)
    for file in files:
        sql.run(_ADD_FILE, variant_id=claimed.id, generation_id=claimed.row.generation_id, **asdict(file))
    _tell(sql, claimed)
    return True


def names_any(sql: Sql, keys: Sequence[str]) -> bool:
    """Whether a file of a variant has one of these keys."""
    return sql.first(_NAMES_ANY, keys=list(keys)) is not None


def fail(sql: Sql, claimed: VariantClaim, code: VariantError, message: str) -> None:
    """End a variant without a file.

    Raises:
        LeaseLost: the claim is not valid any more.
    """
    sql.run(_LOCK_GENERATION, generation_id=claimed.row.generation_id)
    _end(sql, claimed, VariantState.FAILED, code=code, message=message)
    _tell(sql, claimed)


def _end(
    sql: Sql,
    claimed: VariantClaim,
    state: VariantState,
    *,
    origin: VariantOrigin | None = None,
    code: VariantError | None = None,
    message: str | None = None,
) -> None:
    sql.all(_LOCK, generation_id=claimed.row.generation_id)
    ended = sql.first(_END, id=claimed.id, token=claimed.token, state=state, origin=origin, code=code, message=message)
    if ended is None:
        raise LeaseLost("the variant has another claim, or has ended")


def _tell(sql: Sql, claimed: VariantClaim) -> None:
    """Tell the customer's endpoints that all variants of a result have ended, if this was the last one."""
    states = sql.all(_STATES, generation_id=claimed.row.generation_id)
    if any(each["state"] == VariantState.PENDING for each in states):
        return
    data = {"generation_id": str(claimed.row.generation_id), "variants": states}
    sql.run(
        _TELL, customer_id=claimed.row.customer_id, generation_id=claimed.row.generation_id,
        type=EventType.VARIANTS_ENDED, data=Jsonb(data), filters=list(filters_for(EventType.VARIANTS_ENDED)),
    )  # fmt: skip
