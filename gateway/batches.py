"""`/v1/batches`: order, read and cancel several generations together."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from gateway.authentication import TheCustomer, caller_for, customers_router
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.generation_list import GenerationList, page_of
from gateway.json_body import BODY_PROBLEMS, RequireJson
from gateway.openapi import Responses, problems
from gateway.ordering import LOCATION, ORDER_PROBLEMS, IdempotencyKeyHeader
from intake.cancelling import cancel
from intake.orders import Payer
from notify.resources import credits_of
from schemas.api import GenerationCredits
from schemas.batches import MOST_GENERATIONS, Part
from schemas.enums import Status
from schemas.errors import InvalidRequest, NotCancellable, NotFound, Unauthenticated
from schemas.identity_api import HttpBatch
from schemas.lists import PageQuery, Position
from schemas.setting_groups import RetentionSettings
from schemas.stages import status_of
from storage import batches, details, finding, sql
from storage.batches import Batch

router = customers_router("/v1/batches", "batches")


class BatchCounts(BaseModel):
    """The generations of a batch by status, without deleted ones."""

    total: int
    """All generations."""
    queued: int
    """Those that wait for a worker."""
    processing: int
    """Those that are being made."""
    completed: int
    """Those whose result is stored."""
    failed: int
    """Those that failed."""
    cancelled: int
    """Those that were cancelled."""


class BatchLinks(BaseModel):
    """Related resources, relative to the server."""

    self: str
    """This batch."""


class BatchResource(BaseModel):
    """Several generations of one request. They were accepted together; each ends by itself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "batch",
                    "id": "7c1f6e0b-6d0f-4f0a-9f0e-3f7f4f3f1a10",
                    "counts": {
                        "total": 2,
                        "queued": 0,
                        "processing": 1,
                        "completed": 1,
                        "failed": 0,
                        "cancelled": 0,
                    },
                    "credits": {"price": 8, "held": 4, "captured": 4, "released": 0},
                    "created_at": "2026-11-20T12:00:00Z",
                    "finished_at": None,
                    "generations": {"object": "list", "data": [], "has_more": False, "next_cursor": None},
                    "links": {"self": "/v1/batches/7c1f6e0b-6d0f-4f0a-9f0e-3f7f4f3f1a10"},
                }
            ]
        }
    )

    object: Literal["batch"] = "batch"
    """The type of this resource."""
    id: UUID
    """The batch's id."""
    counts: BatchCounts
    """The generations by status."""
    credits: GenerationCredits = Field(description="of all generations together")
    created_at: datetime
    """The time of acceptance."""
    finished_at: datetime | None = Field(description="when the last generation ended; null until then")
    generations: GenerationList = Field(description="a page of the generations, in the order of the requests")
    links: BatchLinks
    """Related resources."""


class BatchQuery(PageQuery):
    """The page of a batch's generations."""

    limit: int = Field(default=MOST_GENERATIONS, ge=1, le=MOST_GENERATIONS, description="the most entries of a page")


_ACCEPTED: Responses = {
    202: {"description": "Accepted, now or by an earlier request with the same key", "headers": LOCATION}
}
_CANCELLED: Responses = {
    200: {"model": BatchResource, "description": "Every generation has ended"},
    202: {"description": "Reelworks asks the providers to stop; read the batch for the outcome"},
}


@router.post(
    "",
    status_code=202,
    summary="Order a batch",
    dependencies=[RequireJson],
    responses=_ACCEPTED | BODY_PROBLEMS | ORDER_PROBLEMS,
)
async def create_batch(
    order: HttpBatch,
    request: Request,
    response: Response,
    services: ServicesOf,
    idempotency_key: IdempotencyKeyHeader = None,
) -> BatchResource:
    """Accepts up to 100 generations and holds the price of all, or accepts none.

    Send `requests`, or one `request` with several `prompts` or `seeds`. Each generation ends and is paid by itself. An
    error names the place of the wrong request, such as `requests.3`.
    """
    caller = await caller_for(request, order.customer_id)
    return await order_batch(order.parts(), caller.payer, response, services, idempotency_key)


async def order_batch(
    parts: Sequence[Part], payer: Payer, response: Response, services: GatewayServices, idempotency_key: str | None
) -> BatchResource:
    """Accept a batch, and answer with all its generations."""
    accepted = await services.intake.take_batch(parts, payer, idempotency_key=idempotency_key)
    response.headers["Location"] = _path_of(accepted.id)
    if accepted.is_new:
        found = [details.of_new(row) for row in accepted.generations]
        return _resource(accepted.id, accepted.state, found, None, services.settings.retention)
    response.headers["Idempotency-Replayed"] = "true"
    return await _read(services, payer.customer_id, accepted.id, BatchQuery())


@router.get(
    "/{batch_id}", summary="See how a batch stands", responses=problems(Unauthenticated, NotFound, InvalidRequest)
)
async def get_batch(
    batch_id: UUID, query: Annotated[BatchQuery, Query()], services: ServicesOf, customer: TheCustomer
) -> BatchResource:
    """Returns the numbers of generations by status, the credits, and the generations in the order of the requests.

    Without `limit` and `cursor`, the answer has all generations.
    """
    return await _read(services, customer.id, batch_id, query)


@router.post(
    "/{batch_id}/cancel",
    status_code=202,
    summary="Cancel a batch",
    responses=_CANCELLED | problems(Unauthenticated, NotFound, NotCancellable),
)
def cancel_batch(batch_id: UUID, response: Response, services: ServicesOf, customer: TheCustomer) -> BatchResource:
    """Cancels each generation of the batch that can still be cancelled, as a cancel of each one does.

    Generations that have ended, or that cannot be stopped, stay as they are. Safe to repeat.
    """
    with services.database.statement() as statement:
        ids = batches.members(statement, batch_id, customer_id=customer.id)
    refused = 0
    for generation_id in ids:
        try:
            cancel(services.intake.steps, generation_id, customer_id=customer.id)
        except (NotCancellable, NotFound):
            # It has ended, or its customer has deleted it meanwhile.
            refused += 1
    if ids and refused == len(ids):
        raise NotCancellable("no generation of the batch can be cancelled: each has ended, or is about to")
    with services.database.transaction() as session:
        found = _find(batch_id, customer.id, BatchQuery(), services.settings.retention, session)
    if found.finished_at is not None:
        response.status_code = 200
    return found


async def _read(services: GatewayServices, customer_id: UUID, batch_id: UUID, query: BatchQuery) -> BatchResource:
    read = partial(_find, batch_id, customer_id, query, services.settings.retention)
    return await services.loop_database.transaction(read)


def _find(
    batch_id: UUID, customer_id: UUID, query: BatchQuery, retention: RetentionSettings, session: Session
) -> BatchResource:
    after = query.after
    details.in_one_snapshot(session)
    statements = sql.of(session)
    state = batches.find(statements, batch_id, customer_id=customer_id)
    if state is None:
        raise NotFound(f"you have no batch {batch_id}")
    page = finding.find(statements, finding.Filters(customer_id, batch_id=batch_id), after, limit=query.limit)
    return _resource(
        batch_id, state, details.find_all(session, page.ids, customer_id=customer_id), page.next, retention
    )


def _resource(
    batch_id: UUID,
    state: Batch,
    found: Sequence[details.Details],
    following: Position | None,
    retention: RetentionSettings,
) -> BatchResource:
    by_status = Counter[Status]()
    for stage, count in state.stages.items():
        by_status[status_of(stage)] += count
    return BatchResource(
        id=batch_id,
        counts=BatchCounts(total=by_status.total(), **{status.value: by_status[status] for status in Status}),
        credits=credits_of(state.credits, state.moved),
        created_at=state.created_at,
        finished_at=state.finished_at,
        generations=page_of(found, following, retention),
        links=BatchLinks(self=_path_of(batch_id)),
    )


def _path_of(batch_id: UUID) -> str:
    return f"/v1/batches/{batch_id}"
