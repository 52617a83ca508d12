"""Who holds a generation: claims, their leases, and what a worker knows of the row.

A claim is one conditional UPDATE that gets a fencing token; every later write of that claim names the token, so a
worker that lost its lease writes nothing (`storage.transitions`). All times are the database's clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID, uuid4

from schemas.enums import Kind, Stage
from schemas.names import ProviderName
from schemas.orders import Order, Route
from storage.sql import IS_FREE, Sql, returns


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a worker needs to know of a generation: the columns of these names, as they were at one moment."""

    id: UUID
    customer_id: UUID
    kind: Kind
    order: dict[str, object]
    credits: int
    stage: Stage
    stage_at: datetime
    wake_at: datetime | None
    deadline_at: datetime
    attempt: int
    failures: int
    crashes: int
    claimed_at: datetime
    cancel_requested_at: datetime | None
    cancel_sent_at: datetime | None
    provider: ProviderName
    route_index: int
    remote_id: str | None
    remote_links: dict[str, str]
    result_urls: list[str]
    object_key: str | None
    download: dict[str, object] | None


@dataclass(frozen=True)
class Claim:
    """A worker's right to advance a generation for as long as its lease lasts."""

    generation: Snapshot
    """The row as it was when this worker last wrote to it."""
    token: UUID
    """Of its lease: every write names it."""

    @property
    def id(self) -> UUID:
        """The generation's id."""
        return self.generation.id

    @cached_property
    def order(self) -> Order:
        """What was ordered; read from the row once."""
        return Order.model_validate(self.generation.order)

    @property
    def route(self) -> Route:
        """The route that serves it now."""
        return self.order.routes[self.generation.route_index]

    @property
    def seconds_in_stage(self) -> float:
        """How long the generation had been in its stage when it was claimed."""
        return (self.generation.claimed_at - self.generation.stage_at).total_seconds()


_CLAIM = returns(Snapshot)(f"""
    UPDATE generations SET
        lease_token = %(token)s,
        lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
        -- A lease whose worker died is a wake-up like any other.
        wake_at = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
        claimed_at = clock_timestamp(),
        holder = %(holder)s,
        attempt = attempt + 1,
        crashes = crashes + (lease_token IS NOT NULL)::int
    WHERE id = %(id)s AND stage = ANY(%(stages)s) AND attempt = %(attempt)s AND {IS_FREE}
    RETURNING
        id, customer_id, kind, "order", credits, stage, stage_at, wake_at, deadline_at, attempt, failures, crashes,
        claimed_at, cancel_requested_at, cancel_sent_at, provider, route_index, remote_id, remote_links, result_urls,
        object_key, download
""")  # noqa: S608 -- a constant

_RENEW = returns(UUID)("""
    UPDATE generations SET
        lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s),
        wake_at = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
    WHERE id = ANY(%(ids)s) AND lease_token = ANY(%(tokens)s) AND (deadline_at > now() OR stage = 'settling')
    RETURNING lease_token
""")

_HAND_BACK = returns(UUID)("""
    UPDATE generations SET lease_token = NULL, lease_until = NULL, wake_at = clock_timestamp()
    WHERE id = ANY(%(ids)s) AND lease_token = ANY(%(tokens)s)
    RETURNING id
""")


def claim(
    sql: Sql, generation_id: UUID, stages: Iterable[Stage], *, attempt: int, lease_seconds: float, holder: str = ""
) -> Claim | None:
    """Take a generation that stands in one of `stages` and that nobody holds; None if it moved on or is held.

    `attempt` is the one that the wake-up was sent for: of its copies, one claims, and the others come to nothing.
    `holder` names the worker, for people.
    A claim whose worker died without giving it up counts as a crash.
    """
    token = uuid4()
    row = sql.first(
        _CLAIM, id=generation_id, stages=[stage.value for stage in stages], attempt=attempt,
        token=token, lease_seconds=lease_seconds, holder=holder,
    )  # fmt: skip
    return None if row is None else Claim(row, token)


def renew_leases(sql: Sql, held: Mapping[UUID, UUID], *, lease_seconds: float) -> set[UUID]:
    """Extend leases, given as generation ids by token; the tokens that are still good.

    Past its deadline a generation is not held any longer, whatever its worker is stuck in.
    """
    return set(sql.all(_RENEW, ids=list(held.values()), tokens=list(held), lease_seconds=lease_seconds))


def hand_back(sql: Sql, held: Mapping[UUID, UUID]) -> set[UUID]:
    """Give up claims whose steps are not over, given as generation ids by token; the tokens that were still good.

    The rows stay in their stages and are due at once. It is no failure: unlike a dead worker's, such a claim leaves no
    token behind.
    """
    given = set(sql.all(_HAND_BACK, ids=list(held.values()), tokens=list(held)))
    return {token for token, generation_id in held.items() if generation_id in given}
