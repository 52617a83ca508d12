"""Batches: several generations of one request, accepted together or not at all.

A batch has no row. Its generations have its id among their labels, and the first one has the idempotency key.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from schemas.batches import Part
from schemas.enums import Stage, TransferKind
from schemas.errors import InvalidRequest, RequestError
from schemas.inputs import Facts
from schemas.orders import GenerationRequest, Order
from schemas.setting_groups import PipelineSettings
from schemas.tables import Generation
from storage import acceptance
from storage.alone import alone
from storage.digests import EqualOrders
from storage.ledger import Spender
from storage.sql import Sql, returns

# An answer names the problems of the first wrong requests.
_MOST_PROBLEMS = 20


@dataclass(frozen=True)
class AcceptedBatch:
    """The generations of an accepted batch."""

    id: UUID
    """The batch's id."""
    generations: Sequence[Generation]
    """The new rows. Empty if the request repeats an earlier request."""

    @property
    def is_new(self) -> bool:
        """Whether this request made the batch."""
        return bool(self.generations)

    @property
    def state(self) -> "Batch":
        """The state of a new batch."""
        rows = self.generations
        price = sum(row.credits for row in rows)
        created_at = min(row.created_at for row in rows if row.created_at)
        return Batch(created_at, None, Counter(row.stage for row in rows), price, {TransferKind.HOLD: price})


@dataclass(frozen=True)
class EarlierOrder:
    """The order that an earlier request has made: one generation, or a batch."""

    first: Generation
    """The generation. Of a batch: the first one."""
    ids: Sequence[UUID]
    """The generations, in the order of the outputs."""
    batch_id: UUID | None
    """The batch. None for one generation."""


@dataclass(frozen=True)
class Batch:
    """The state of a batch."""

    created_at: datetime
    """The time of acceptance."""
    finished_at: datetime | None
    """The time of the last end. None while a generation is unfinished."""
    stages: Mapping[Stage, int]
    """The number of generations in each stage."""
    credits: int
    """The price of all generations."""
    moved: Mapping[TransferKind, int]
    """The credits of each kind of transfer that has happened."""


def accept(
    sql: Sql,
    customer_id: UUID,
    parts: Sequence[Part],
    make_order: Callable[[GenerationRequest, Facts], Order],
    pipeline: PipelineSettings,
    *,
    spender: Spender | None = None,
    idempotency_key: str | None = None,
    request_hash: str | None = None,
    equal_orders: EqualOrders | None = None,
) -> AcceptedBatch:
    """Accept every part and hold its credits, in the caller's transaction, or accept none. See `acceptance.accept`.

    Raises:
        RequestError: as from `acceptance.accept`. Names the places of the wrong requests.
    """
    request_hash = request_hash or acceptance.hash_of([part.request for part in parts])
    identity = acceptance.Identity(customer_id, idempotency_key, request_hash, equal_orders)
    if idempotency_key is not None:
        # The same batch at the same time: the second one waits, and then finds the first one.
        alone(sql, f"batch {customer_id} {idempotency_key}")
    earlier = acceptance.find_earlier(sql, identity)
    if earlier is not None:
        return AcceptedBatch(_batch_of(earlier), [])
    files = {
        (file.name, file.url): file
        for part in parts
        for file in (replace(each, name=part.name_of(each.name)) for each in part.request.input_files())
    }
    facts = acceptance.facts_about(sql, customer_id, list(files.values()))
    batch_id = uuid4()
    of_batch = {"batch_id": batch_id, "flow": str(batch_id)}
    orders = [order.model_copy(update=of_batch) for order in _orders(parts, facts, make_order)]
    rows = acceptance.insert(sql, identity, orders, facts, pipeline, spender)
    if not rows:
        # Only an order without a batch can have taken the key meanwhile.
        raise acceptance.not_inserted(sql, identity)
    return AcceptedBatch(batch_id, rows)


def find_earlier(sql: Sql, identity: acceptance.Identity) -> EarlierOrder | None:
    """The order that the same request has made, one generation or a batch.

    Raises:
        IdempotencyMismatch, GenerationDeleted: as from `acceptance.find_earlier`.
    """
    first = acceptance.find_earlier(sql, identity)
    if first is None:
        return None
    batch_id = Order.model_validate(first.order).batch_id
    ids = [first.id] if batch_id is None else members(sql, batch_id, customer_id=identity.customer_id)
    return EarlierOrder(first, ids, batch_id)


def _batch_of(generation: Generation) -> UUID:
    batch_id = Order.model_validate(generation.order).batch_id
    if batch_id is None:
        raise acceptance.mismatch()
    return batch_id


def _orders(
    parts: Sequence[Part], facts: Facts, make_order: Callable[[GenerationRequest, Facts], Order]
) -> list[Order]:
    """The order of each part.

    Raises:
        RequestError: names the places of all wrong requests. The outputs of one request have one place.
    """
    orders: list[Order] = []
    wrong: dict[str, RequestError] = {}
    for part in parts:
        try:
            if part.place not in wrong:
                orders.append(make_order(part.request, facts))
        except RequestError as error:
            wrong[part.place] = error.within(part.place)
    if wrong:
        raise _together(list(wrong.values()))
    return orders


def _together(wrong: Sequence[RequestError]) -> RequestError:
    """One error for all. An error with another answer than "invalid request" comes first, and alone."""
    other = next((error for error in wrong if not isinstance(error, InvalidRequest)), None)
    if other is not None or len(wrong) == 1:
        return other or wrong[0]
    told = wrong[:_MOST_PROBLEMS]
    return InvalidRequest(
        "; ".join(error.detail for error in told), {"errors": [each for error in told for each in _problems(error)]}
    )


def _problems(error: RequestError) -> list[object]:
    problems = error.extra.get("errors")
    return problems if isinstance(problems, list) else []


def find(sql: Sql, batch_id: UUID, *, customer_id: UUID) -> Batch | None:
    """The state of a customer's batch, without deleted generations. None if the customer has no such batch."""
    return sql.first(_FIND, batch_id=batch_id, customer_id=customer_id)


def members(sql: Sql, batch_id: UUID, *, customer_id: UUID) -> list[UUID]:
    """The generations of a customer's batch, in the order of its requests."""
    return sql.all(_MEMBERS, batch_id=batch_id, customer_id=customer_id)


_MEMBERS = returns(UUID)("""
    SELECT generation_id FROM generation_labels
    WHERE batch_id = %(batch_id)s AND customer_id = %(customer_id)s ORDER BY created_at DESC, generation_id DESC
""")


def _batch(
    created_at: datetime,
    finished_at: datetime | None,
    stages: Mapping[str, int],
    price: int,
    moved: Mapping[str, int] | None,
) -> Batch:
    return Batch(
        created_at, finished_at, {Stage(name): count for name, count in stages.items()}, int(price),
        {TransferKind(name): amount for name, amount in (moved or {}).items()},
    )  # fmt: skip


_FIND = returns(_batch)("""
    WITH members AS (
        SELECT g.id, g.stage, g.credits, g.finished_at, labels.created_at
        FROM generation_labels labels JOIN generations g ON g.id = labels.generation_id
        WHERE labels.batch_id = %(batch_id)s AND labels.customer_id = %(customer_id)s
    ), counted AS (
        SELECT stage, count(*) AS count FROM members GROUP BY stage
    ), moved AS (
        SELECT kind, sum(amount) AS amount FROM members JOIN ledger_transfers t ON t.generation_id = members.id
        WHERE kind IN ('hold', 'capture', 'release') GROUP BY kind
    )
    SELECT min(created_at), CASE WHEN bool_and(finished_at IS NOT NULL) THEN max(finished_at) END,
           (SELECT jsonb_object_agg(stage, count) FROM counted), sum(credits),
           (SELECT jsonb_object_agg(kind, amount) FROM moved)
    FROM members HAVING count(*) > 0
""")
