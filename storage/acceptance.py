"""Accepts orders: the generation's row and the hold are one transaction, for HTTP and for Redis."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from schemas.errors import GenerationDeleted, IdempotencyMismatch, NotFound, RequestError
from schemas.inputs import Facts, InputField
from schemas.orders import GenerationRequest, Order
from schemas.setting_groups import PipelineSettings
from schemas.tables import Generation
from storage import digests, earlier_generations, ledger, quotas, transitions, uploads
from storage.digests import EqualOrders
from storage.ledger import Spender
from storage.sql import Sql, returns
from storage.transitions import NewGeneration
from storage.webhooks import callback_urls


@dataclass(frozen=True)
class AcceptedOrder:
    """The generation of an accepted order."""

    generation: Generation
    """The row."""
    is_new: bool
    """False if the request repeats an earlier request."""


def accept(
    sql: Sql,
    customer_id: UUID,
    request: GenerationRequest,
    make_order: Callable[[GenerationRequest, Facts], Order],
    pipeline: PipelineSettings,
    *,
    spender: Spender | None = None,
    idempotency_key: str | None = None,
    request_hash: str | None = None,
    equal_orders: EqualOrders | None = None,
) -> AcceptedOrder:
    """Insert the generation and hold its credits, in the caller's transaction.

    A repeated request returns the earlier generation without a call of `make_order`, because the model may be retired
    and the inputs may be deleted by now.

    Args:
        request: a request without `data:` URIs (see `intake.data_uris`). Its uploads are kept for the generation.
        make_order: completes and prices the request. Its second argument is the facts about the input files.
        spender: the API key of the order. None: an order without a key, through the Redis door.
        request_hash: the hash of the request as the door received it. None: the hash of `request`.
        equal_orders: the orders that are the same order although they have no key. None: there are none.

    Raises:
        InvalidRequest, ModelRetired: from `make_order`. InvalidRequest also for a missing upload or generation.
        NotFound: there is no such customer, or a live customer's order leads to the sandbox, or the reverse.
        InsufficientCredits: the customer has too few credits. Nothing is inserted.
        CapReached: the API key may not spend so much today. Nothing is inserted.
        QuotaReached: a limit of the customer or of the API key has no room. Nothing is inserted.
        IdempotencyMismatch: the key was used for another request.
        GenerationDeleted: the key, or an equal order, made a generation that the customer has deleted.
    """
    identity = Identity(customer_id, idempotency_key, request_hash or hash_of([request]), equal_orders)
    earlier = find_earlier(sql, identity)
    if earlier is not None:
        return AcceptedOrder(earlier, is_new=False)
    facts = facts_about(sql, customer_id, request.input_files())
    orders = [make_order(request, facts)]
    if accepted := insert(sql, identity, orders, facts, pipeline, spender):
        return AcceptedOrder(accepted[0], is_new=True)
    # Another transaction accepted the same request at the same time, or the customer does not exist.
    earlier = find_earlier(sql, identity)
    if earlier is None:
        raise NotFound(f"there is no customer {customer_id}")
    return AcceptedOrder(earlier, is_new=False)


def require_credits(
    sql: Sql,
    customer_id: UUID,
    least_price: Callable[[], int],
    *,
    idempotency_key: str | None = None,
    equal_orders: EqualOrders | None = None,
) -> None:
    """Check that the customer can pay for an order, before its files are read. Only the hold makes sure.

    A request that repeats an earlier request needs no credits, so such a request passes.

    Args:
        sql: a connection on which each statement is a transaction.

    Raises:
        InvalidRequest, ModelRetired, ModelPaused: from `least_price`.
        NotFound: there is no such customer.
        InsufficientCredits: the customer has too few credits.
    """
    try:
        ledger.require(sql, customer_id, least_price())
    except RequestError:
        # After the check: the earlier request may have taken the credits a moment ago.
        if (idempotency_key is not None and is_known(sql, customer_id, idempotency_key)) or (
            equal_orders is not None
            and digests.find(sql, customer_id, equal_orders, message_key=idempotency_key) is not None
        ):
            return
        raise


def is_known(sql: Sql, customer_id: UUID, idempotency_key: str) -> bool:
    """Whether a customer's idempotency key has made an order."""
    return bool(sql.first(_KEY_IS_KNOWN, customer_id=customer_id, idempotency_key=idempotency_key))


_KEY_IS_KNOWN = returns(bool)(
    "SELECT true FROM generations WHERE customer_id = %(customer_id)s AND idempotency_key = %(idempotency_key)s"
)


@dataclass(frozen=True)
class Identity:
    """The values that tell a repeated request from a new one."""

    customer_id: UUID
    """The customer."""
    idempotency_key: str | None
    """The customer's key. None: the request is always new."""
    request_hash: str
    """The SHA-256 of the request: as received, or as the order."""
    equal_orders: EqualOrders | None = None
    """The orders that are the same order although they have no key."""


def hash_of(requests: Sequence[GenerationRequest]) -> str:
    """The hash of a request, or of the requests of a batch."""
    # Defaults are left out: a field that a later release adds must not change the hash of an old request.
    texts = [request.model_dump_json(exclude_defaults=True) for request in requests]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def facts_about(sql: Sql, customer_id: UUID, files: Sequence[InputField]) -> Facts:
    """The facts about the input files of an order, or of a batch. Uploads stay locked until the transaction ends.

    Raises:
        InvalidRequest: a file cannot be used. Names each such field.
    """
    return {**uploads.lock(sql, customer_id, files), **earlier_generations.facts(sql, customer_id, files)}


def insert(
    sql: Sql,
    identity: Identity,
    orders: Sequence[Order],
    facts: Facts,
    pipeline: PipelineSettings,
    spender: Spender | None,
) -> list[Generation]:
    """Insert a generation for each order, keep the uploads, hold the credits, and count against limits: all or nothing.

    The generations are in the order of lists: newest first by time and then by id. The first one has the key.

    Returns:
        The rows. None of them if the request was accepted before or the customer does not exist.
    """
    keys = [identity.idempotency_key, *[None] * (len(orders) - 1)]
    ids = sorted((uuid4() for _ in orders), reverse=True)
    endpoints = callback_urls.endpoints_of(sql, identity.customer_id, [one.callback_url for one in orders])
    new = [_new(identity, *each, endpoints, pipeline) for each in zip(ids, keys, orders, strict=True)]
    quota = transitions.insert(sql, new, resend_after=pipeline.resend_after_seconds)
    if quota is None:
        return []
    rows = [each.row for each in new]
    uploads.keep(sql, facts, deadline_at=max(row.deadline_at for row in rows))
    amounts = {row.id: row.credits for row in rows}
    quotas.lock(sql, identity.customer_id, quota, spender)
    ledger.hold(sql, identity.customer_id, amounts, spender)
    quotas.take(sql, identity.customer_id, amounts, quota, spender)
    if identity.equal_orders is not None:
        digests.keep(sql, identity.equal_orders, rows[0].id)
    return rows


def _new(
    identity: Identity,
    generation_id: UUID,
    key: str | None,
    order: Order,
    endpoints: Mapping[str | None, UUID],
    pipeline: PipelineSettings,
) -> NewGeneration:
    values: dict[str, Any] = {
        "id": generation_id, "customer_id": identity.customer_id, "idempotency_key": key,
        "request_hash": identity.request_hash, "kind": order.kind, "model": order.model,
        "order": order.model_dump(mode="json"), "credits": order.credits, "provider": order.routes[0].provider,
    }  # fmt: skip
    deadline_after = order.deadline_seconds or pipeline.deadline_seconds
    return NewGeneration(
        Generation(**values), deadline_after, not_before=order.not_before, endpoint_id=endpoints.get(order.callback_url)
    )


_FIND_EARLIER = returns(Generation)("""
    SELECT {columns} FROM generations WHERE customer_id = %(customer_id)s AND idempotency_key = %(idempotency_key)s
""")


def find_earlier(sql: Sql, identity: Identity) -> Generation | None:
    """The generation that the same request has made. Of a batch: its first one.

    Raises:
        IdempotencyMismatch: the key was used for another request.
        GenerationDeleted: the customer has deleted the generation.
    """
    earlier, maker = with_key(sql, identity), "this idempotency key"
    if earlier is None and identity.equal_orders is not None:
        # Beside equal orders, a key is that of a message: a key of the customer decides alone.
        earlier = digests.find(sql, identity.customer_id, identity.equal_orders, message_key=identity.idempotency_key)
        maker = "this order, sent before,"
    if earlier is not None and earlier.deleted_at is not None:
        raise GenerationDeleted(
            f"{maker} made generation {earlier.id}, which you have deleted: "
            "send a new idempotency key to order it once more"
        )
    return earlier


def with_key(sql: Sql, identity: Identity) -> Generation | None:
    """The generation that the key of this request has made, even if the customer has deleted it.

    Raises:
        IdempotencyMismatch: the key was used for another request.
    """
    if identity.idempotency_key is None:
        return None
    earlier = sql.first(_FIND_EARLIER, customer_id=identity.customer_id, idempotency_key=identity.idempotency_key)
    if earlier is not None and earlier.request_hash != identity.request_hash:
        raise mismatch()
    return earlier


def not_inserted(sql: Sql, identity: Identity) -> RequestError:
    """The refusal of an order whose `insert` has inserted nothing, although there was no earlier order before."""
    key = identity.idempotency_key
    is_taken = key is not None and is_known(sql, identity.customer_id, key)
    return mismatch() if is_taken else NotFound(f"there is no customer {identity.customer_id}")


def mismatch() -> IdempotencyMismatch:
    """The refusal of a key that was used for another request."""
    return IdempotencyMismatch(
        "this idempotency key was used for another request: send a new key with a new request, "
        "or the same body to get the same generation"
    )
