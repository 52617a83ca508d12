"""Claims of variants, and the writes under a claim. The rows decide: a message is a wake-up, and names no variant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from schemas.errors import LeaseLost
from schemas.event_types import EventType
from schemas.variants import FilePart, VariantError, VariantOrigin, VariantState
from schemas.webhooks import filters_for
from storage.sql import IS_FREE, Sql, returns

MOST_WAKES: Final = 4
"""The wake-ups that wait in the queue at most. A worker with a place makes due variants until there are none."""

PREFIX = "variants/"
"""The keys of all files of variants. Releases before variants do not know this prefix, and remove nothing below it."""


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


_COUNT_DUE = returns(int)(f"""
    SELECT count(*) FROM (SELECT FROM variants WHERE wake_at <= now() AND {IS_FREE} LIMIT %(most)s) AS due
""")  # noqa: S608 -- a constant

# A row that another worker has locked is skipped. A row that another worker has just claimed is not due any more: with
# the lock, the conditions are read again.
_CLAIM = returns(_Row)(f"""
    WITH waiting AS (
        SELECT DISTINCT customer_id FROM variants WHERE wake_at <= now() AND {IS_FREE}
    ), served AS MATERIALIZED (
        SELECT customer_id, (
            SELECT max(claimed_at) FROM variants theirs WHERE theirs.customer_id = waiting.customer_id
        ) AS served_at
        FROM waiting
    ), next AS (
        SELECT variants.id FROM variants JOIN served USING (customer_id)
        WHERE variants.wake_at <= now() AND {IS_FREE}
        ORDER BY served_at NULLS FIRST, wake_at, variants.id LIMIT 1
        FOR UPDATE OF variants SKIP LOCKED
    ), claimed AS (
        UPDATE variants SET
            lease_token = %(token)s,
            lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
            wake_at = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
            claimed_at = clock_timestamp(),
            holder = %(holder)s,
            attempt = attempt + 1,
            crashes = crashes + (lease_token IS NOT NULL)::int
        FROM next WHERE variants.id = next.id
        RETURNING variants.id, generation_id, customer_id, name, kind, spec, attempt, failures, crashes, created_at,
                  claimed_at
    )
    SELECT claimed.*, g.kind AS media_kind, a.object_key AS result_key,
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

_NOT_TAKEN = returns(lambda *ids: ids)(f"""
    SELECT id, generation_id, customer_id FROM variants
    WHERE wake_at < now() - make_interval(secs => %(seconds)s) AND {IS_FREE} ORDER BY wake_at LIMIT %(most)s
""")  # noqa: S608 -- a constant

_GIVE_UP = returns(UUID)(f"""
    UPDATE variants SET
        state = 'failed', error_code = %(code)s, error_message = %(message)s,
        wake_at = NULL, lease_token = NULL, lease_until = NULL, finished_at = clock_timestamp()
    WHERE id = %(id)s AND wake_at < now() - make_interval(secs => %(seconds)s) AND {IS_FREE}
    RETURNING id
""")  # noqa: S608 -- a constant

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


def wakes_missing(sql: Sql, *, room: int) -> int:
    """The wake-ups that the queue needs: one for each due variant, up to `MOST_WAKES`, less those that wait there.

    Args:
        room: the messages that the queue takes until it holds `MOST_WAKES`.
    """
    if room <= 0:
        return 0
    due = sql.first(_COUNT_DUE, most=MOST_WAKES) or 0
    return max(0, due - (MOST_WAKES - room))


def claim(sql: Sql, *, lease_seconds: float, holder: str = "") -> VariantClaim | None:
    """Claim the next due variant: of the customer whose last claim is longest ago, the oldest. None: none is due.

    Each claim has a number and a fencing token of its own. Two workers that claim at once get two variants.
    """
    token = uuid4()
    row = sql.first(_CLAIM, token=token, lease_seconds=lease_seconds, holder=holder)
    return None if row is None else VariantClaim(row, token)


def renew_leases(sql: Sql, held: Mapping[UUID, UUID], *, lease_seconds: float) -> set[UUID]:
    """Extend leases, given as variant ids by token. Returns the tokens of the extended leases."""
    return set(sql.all(_RENEW, ids=list(held.values()), tokens=list(held), lease_seconds=lease_seconds))


def hand_back(sql: Sql, held: Mapping[UUID, UUID]) -> set[UUID]:
    """Give up claims, given as variant ids by token. Returns the tokens that were valid. The rows are due at once."""
    given = set(sql.all(_HAND_BACK, ids=list(held.values()), tokens=list(held)))
    return {token for token, variant_id in held.items() if variant_id in given}


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
    _tell(sql, claimed.row.generation_id, claimed.row.customer_id)
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
    _tell(sql, claimed.row.generation_id, claimed.row.customer_id)


def not_taken(sql: Sql, *, seconds: float, most: int) -> list[tuple[UUID, UUID, UUID]]:
    """Variants that are due for so long, and that no worker took: their ids, generations and customers."""
    return sql.all(_NOT_TAKEN, seconds=seconds, most=most)


def give_up(sql: Sql, variant_id: UUID, generation_id: UUID, customer_id: UUID, *, seconds: float) -> bool:
    """End a variant that no worker took. Returns False if a worker has taken it by now, or it is deleted."""
    sql.run(_LOCK_GENERATION, generation_id=generation_id)
    sql.all(_LOCK, generation_id=generation_id)
    message = "no worker took it for too long"
    if sql.first(_GIVE_UP, id=variant_id, code=VariantError.UNAVAILABLE, message=message, seconds=seconds) is None:
        return False
    _tell(sql, generation_id, customer_id)
    return True


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


def _tell(sql: Sql, generation_id: UUID, customer_id: UUID) -> None:
    """Tell the customer's endpoints that all variants of a result have ended, if this was the last one."""
    states = sql.all(_STATES, generation_id=generation_id)
    if any(each["state"] == VariantState.PENDING for each in states):
        return
    data = {"generation_id": str(generation_id), "variants": states}
    sql.run(
        _TELL, customer_id=customer_id, generation_id=generation_id,
        type=EventType.VARIANTS_ENDED, data=Jsonb(data), filters=list(filters_for(EventType.VARIANTS_ENDED)),
    )  # fmt: skip
