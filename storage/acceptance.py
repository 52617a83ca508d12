"""Taking a request in: the row and the hold are one transaction, for both doors."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import text

from schemas.errors import IdempotencyMismatch, NotFound
from schemas.inputs import Facts
from schemas.orders import GenerationRequest, Order
from schemas.settings import PipelineSettings
from schemas.tables import Generation
from storage import earlier_generations, ledger, uploads
from storage.statements import Executor


@dataclass(frozen=True)
class Accepted:
    """A generation that was taken in; `is_new` is false for a repeated request."""

    generation: Generation
    is_new: bool


def accept(
    executor: Executor,
    customer_id: UUID,
    request: GenerationRequest,
    make_order: Callable[[GenerationRequest, Facts], Order],
    pipeline: PipelineSettings,
    *,
    idempotency_key: str | None = None,
) -> Accepted:
    """Insert the generation and hold its credits, in the caller's transaction.

    A repeated request is answered before `make_order` is asked: its model may be retired by now, its inputs gone.

    Args:
        request: without `data:` URIs (see `intake.data_uris`). Its uploads are kept until the generation is over.
        make_order: is told what is known of the request's input files.

    Raises:
        InvalidRequest, ModelRetired: what `make_order` raises; or an upload or a generation that it names is not there.
        NotFound: there is no such customer.
        InsufficientCredits: nothing is inserted.
        IdempotencyMismatch: the key stands for another request.
    """
    identity = _Identity(customer_id, idempotency_key, _hash(request))
    earlier = _find_earlier(executor, identity)
    if earlier is not None:
        return Accepted(earlier, is_new=False)
    facts = {
        **uploads.hold(executor, customer_id, request),
        **earlier_generations.facts(executor, customer_id, request),
    }
    order = make_order(request, facts)
    generation = _insert(executor, identity, order, pipeline)
    if generation is None:
        # The same request, sent twice at once: the other one was faster. Or the customer does not exist.
        earlier = _find_earlier(executor, identity)
        if earlier is None:
            raise NotFound(f"there is no customer {customer_id}")
        return Accepted(earlier, is_new=False)
    uploads.keep(executor, facts, deadline_at=generation.deadline_at)
    ledger.hold(executor, customer_id, generation.id, order.credits)
    return Accepted(generation, is_new=True)


@dataclass(frozen=True)
class _Identity:
    """What makes two requests the same."""

    customer_id: UUID
    idempotency_key: str | None
    request_hash: str


def _hash(request: GenerationRequest) -> str:
    # Without defaults: a field that a later release adds must not make an old request another one.
    return hashlib.sha256(request.model_dump_json(exclude_defaults=True).encode()).hexdigest()


_INSERT = text("""
    WITH inserted AS (
        INSERT INTO generations (
            id, customer_id, idempotency_key, request_hash, kind, model, "order", credits, provider, result_urls,
            stage, progress, attempt, failures, route_index, wake_at, deadline_at
        )
        SELECT
            :generation_id, id, :idempotency_key, :request_hash, :kind, :model, CAST(:order AS jsonb), :credits,
            :provider, '[]',
            'queued', 0, 0, 0, 0,
            -- The wake-up goes out right after the commit; this is when somebody looks if it was lost.
            clock_timestamp() + make_interval(secs => :resend_after),
            clock_timestamp() + make_interval(secs => :deadline_after)
        FROM customers WHERE id = :customer_id
        ON CONFLICT (customer_id, idempotency_key) DO NOTHING
        RETURNING id, credits, created_at, stage_at, wake_at, deadline_at
    ), noted AS (
        INSERT INTO events (generation_id, stage, name, data)
        SELECT id, 'queued', 'moved', jsonb_build_object('credits', credits) FROM inserted
    )
    SELECT created_at, stage_at, wake_at, deadline_at FROM inserted
""")


def _insert(executor: Executor, identity: _Identity, order: Order, pipeline: PipelineSettings) -> Generation | None:
    """The new row with its first event; None if the same request is there already, or its customer is not."""
    generation_id, route = uuid4(), order.routes[0]
    given = {
        "generation_id": generation_id,
        "customer_id": identity.customer_id,
        "idempotency_key": identity.idempotency_key,
        "request_hash": identity.request_hash,
        "kind": order.kind.value,
        "model": order.model,
        "order": order.model_dump_json(),
        "credits": order.credits,
        "provider": route.provider,
        "resend_after": pipeline.resend_after_seconds,
        "deadline_after": order.deadline_seconds or pipeline.deadline_seconds,
    }
    row = executor.execute(_INSERT, given).one_or_none()
    if row is None:
        return None
    return Generation(
        id=generation_id,
        customer_id=identity.customer_id,
        idempotency_key=identity.idempotency_key,
        request_hash=identity.request_hash,
        kind=order.kind,
        model=order.model,
        order=order.model_dump(mode="json"),
        credits=order.credits,
        provider=route.provider,
        created_at=row.created_at,
        stage_at=row.stage_at,
        wake_at=row.wake_at,
        deadline_at=row.deadline_at,
    )


_COLUMNS = ", ".join(f'"{name}"' for name in Generation.model_fields)
_FIND_EARLIER = text(f"""
    SELECT {_COLUMNS} FROM generations WHERE customer_id = :customer_id AND idempotency_key = :idempotency_key
""")  # noqa: S608 -- built of constants


def _find_earlier(executor: Executor, identity: _Identity) -> Generation | None:
    if identity.idempotency_key is None:
        return None
    given = {"customer_id": identity.customer_id, "idempotency_key": identity.idempotency_key}
    row = executor.execute(_FIND_EARLIER, given).one_or_none()
    if row is None:
        return None
    earlier = Generation.model_validate(row._asdict())
    if earlier.request_hash != identity.request_hash:
        raise IdempotencyMismatch(
            "this idempotency key was used for another request: send a new key with a new request, "
            "or the same body to get the same generation"
        )
    return earlier
