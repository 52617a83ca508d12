"""Claims: a worker claims a generation, renews the lease and hands the claim back.

A claim is one conditional UPDATE that sets a fencing token. Every later write of the claim matches the token, so a
worker that lost its lease writes nothing (`storage.transitions`). All times come from the database's clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from uuid import UUID, uuid4, uuid5

from schemas.enums import Kind, Stage
from schemas.names import ProviderName
from schemas.orders import Order, Route
from storage.sql import IS_FREE, Sql, returns


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The columns of a generation that a worker needs, as of one moment."""

    id: UUID
    """The generation's id."""
    customer_id: UUID
    """The customer who ordered the generation."""
    kind: Kind
    """Image or video."""
    order: dict[str, object]
    """The order as JSON."""
    credits: int
    """The price, which is on hold."""
    stage: Stage
    """The current stage."""
    created_at: datetime
    """The time of acceptance."""
    stage_at: datetime
    """The start of the stage."""
    wake_at: datetime | None
    """The time of the next look. None in a terminal stage."""
    deadline_at: datetime
    """The deadline."""
    attempt: int
    """The number of claims so far."""
    failures: int
    """The vendor's failures in a row."""
    crashes: int
    """Our crashes in a row."""
    claimed_at: datetime
    """The time of the claim."""
    cancel_requested_at: datetime | None
    """The time of the customer's request to cancel."""
    cancel_sent_at: datetime | None
    """The time when the provider answered the request to stop."""
    provider: ProviderName
    """The provider of the current route."""
    route_index: int
    """The index of the current route in the order's routes."""
    routes_given_up: int
    """The routes that this generation does not take again: bit n stands for route n."""
    remote_id: str | None
    """The vendor's id of the work."""
    remote_links: dict[str, str]
    """The vendor's links to the work, by name."""
    result_urls: list[str]
    """The links to the result."""
    object_key: str | None
    """The key of the result in the object store."""
    download: dict[str, object] | None
    """The size, hash and type of the stored result."""
    traceparent: str | None
    """The place of the order in a trace. None: there is no trace."""
    last_span: str | None
    """The span of the newest step or callback, in the same trace. None: there is none."""
    lost_runs: list[dict[str, str | bool | None]] = field(default_factory=list)
    """The runs that a server of our own lost: `provider`, `remote_id` if it had accepted the run.

    `began` is false if the run had only waited."""
    silent_since: datetime | None = None
    """The first of the newest reads that a server of our own did not answer. None: it answered the newest one."""


@dataclass(frozen=True)
class Claim:
    """A worker's right to advance a generation while the lease is valid."""

    generation: Snapshot
    """The row after this worker's last write."""
    token: UUID
    """The lease's fencing token. Every write of the claim matches the token."""
    is_called_back: bool = False
    """Whether this is the first claim after a callback."""

    @property
    def id(self) -> UUID:
        """The generation's id."""
        return self.generation.id

    @cached_property
    def order(self) -> Order:
        """The order. The row's JSON is parsed once."""
        return Order.model_validate(self.generation.order)

    @property
    def route(self) -> Route:
        """The current route."""
        return self.order.routes[self.generation.route_index]

    @property
    def reference(self) -> UUID:
        """Our id of the present run at a vendor that keeps our ids: the generation's id, until an accepted run is lost.

        A server answers a create with a known reference with the job that has it, and that would be the lost one.
        """
        lost = self._lost_accepted
        return uuid5(self.id, f"run {lost + 1}") if lost else self.id

    @property
    def _lost_accepted(self) -> int:
        """The number of lost runs that a server had accepted."""
        return sum(run["remote_id"] is not None for run in self.generation.lost_runs)

    @property
    def silent_seconds(self) -> float:
        """The seconds for which the vendor has answered no read; 0 if it answered the newest one.

        The release before leaves `silent_since` as it is when a vendor answers. It sets `failures` to 0.
        """
        since = self.generation.silent_since
        return (
            0.0
            if since is None or not self.generation.failures
            else (self.generation.claimed_at - since).total_seconds()
        )

    @property
    def start_by(self) -> datetime | None:
        """The latest start. None: there is none, or a provider got the generation before, and lost it."""
        return None if self._lost_accepted else self.order.start_by(self.generation.created_at)

    @property
    def seconds_in_stage(self) -> float:
        """The seconds from the start of the stage to the claim."""
        return (self.generation.claimed_at - self.generation.stage_at).total_seconds()


@dataclass(frozen=True, slots=True)
class _Claimed(Snapshot):
    """The row of a new claim."""

    is_called_back: bool = False
    """Whether a callback arrived since the claim before."""


_CLAIM = returns(_Claimed)(f"""
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
        id, customer_id, kind, "order", credits, stage, created_at, stage_at, wake_at, deadline_at, attempt, failures,
        crashes, claimed_at, cancel_requested_at, cancel_sent_at, provider, route_index, routes_given_up, remote_id,
        remote_links, result_urls, object_key, download, traceparent, last_span, lost_runs, silent_since,
        -- The subquery reads the row as it was before this statement.
        callback_at IS NOT NULL AND coalesce(
            callback_at > (SELECT before.claimed_at FROM generations before WHERE before.id = generations.id), true
        ) AS is_called_back
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
    """Claim a generation in one of `stages`. Returns None if the stage has changed or another worker has a claim.

    A previous claim counts as a crash if its worker died without giving up the claim.

    Args:
        attempt: the attempt in the wake-up. Of several copies of a wake-up, only one can claim.
        holder: the name of the worker, for operators.
    """
    token = uuid4()
    row = sql.first(
        _CLAIM, id=generation_id, stages=[stage.value for stage in stages], attempt=attempt,
        token=token, lease_seconds=lease_seconds, holder=holder,
    )  # fmt: skip
    return None if row is None else Claim(row, token, row.is_called_back)


def renew_leases(sql: Sql, held: Mapping[UUID, UUID], *, lease_seconds: float) -> set[UUID]:
    """Extend leases, given as generation ids by token. Returns the tokens of the extended leases.

    A lease is not extended past the generation's deadline, so a stuck worker loses its claim.
    """
    return set(sql.all(_RENEW, ids=list(held.values()), tokens=list(held), lease_seconds=lease_seconds))


def hand_back(sql: Sql, held: Mapping[UUID, UUID]) -> set[UUID]:
    """Give up claims of unfinished steps, given as generation ids by token. Returns the tokens that were valid.

    The rows stay in their stages and are due at once. A hand-back clears the token and so counts as no crash.
    """
    given = set(sql.all(_HAND_BACK, ids=list(held.values()), tokens=list(held)))
    return {token for token, generation_id in held.items() if generation_id in given}
