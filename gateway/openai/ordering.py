"""The one way in which OpenAI's dialect takes an order, for videos and images."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request
from starlette.requests import ClientDisconnect

from gateway.dependencies import GatewayServices
from gateway.openai.errors import MayBeRecorded
from gateway.openai.names import meant
from gateway.renamed import renamed
from intake.callers import Caller
from intake.digests import Digest
from providers.catalogue import Catalogue
from providers.catalogue.fitting import FitMode, Fitted
from schemas.batches import parts_of
from schemas.errors import RequestError
from schemas.orders import GenerationRequest
from storage import batches
from storage.acceptance import AcceptedOrder
from storage.batches import EarlierOrder
from storage.outages import OUTAGES


async def earlier_order(request: Request, digest: Digest, *, idempotency_key: str | None) -> EarlierOrder | None:
    """The order that an earlier request has made, if this request repeats that one. The caller asks before all else.

    Raises:
        IdempotencyMismatch: the key belongs to another request.
        GenerationDeleted: the customer has deleted the generation.
    """
    services: GatewayServices = request.app.state.services
    return await services.intake.earlier(
        request.state.caller.payer, request_hash=digest.value, idempotency_key=idempotency_key, digest=digest
    )


async def take(
    request: Request,
    order: GenerationRequest,
    names: Mapping[str, str],
    digest: Digest,
    *,
    idempotency_key: str | None,
) -> AcceptedOrder:
    """Take an order of this dialect.

    Args:
        request: the HTTP request. Its key says who pays.
        order: the request in our form.
        names: the names of the fields in this request, by ours: errors use them.
        digest: the digest of the order. Its value is the hash of the request under a key, too.
        idempotency_key: the customer's key.

    Raises:
        RequestError: as `AsyncIntake.take`. Nothing is recorded.
        ClientDisconnect: the client has gone before the order. Nothing is recorded.
        MayBeRecorded: an outage came in the middle of the order.
    """
    services: GatewayServices = request.app.state.services
    caller: Caller = request.state.caller
    await _require_client(request)
    with in_this_dialect(names):
        return await services.intake.take(
            order, caller.payer, idempotency_key=idempotency_key, request_hash=digest.value, digest=digest
        )


@dataclass(frozen=True)
class Taken:
    """The generations of an order."""

    ids: Sequence[UUID]
    """The ids, in the order of the outputs."""
    is_new: bool
    """False if the request repeats an earlier request."""


async def take_all(
    request: Request,
    order: GenerationRequest,
    names: Mapping[str, str],
    digest: Digest,
    *,
    idempotency_key: str | None,
) -> Taken:
    """Take an order of one or of several outputs, as `take` does."""
    if order.number_of_outputs == 1:
        accepted = await take(request, order, names, digest, idempotency_key=idempotency_key)
        return Taken([accepted.generation.id], accepted.is_new)
    services: GatewayServices = request.app.state.services
    payer = request.state.caller.payer
    await _require_client(request)
    with in_this_dialect(names):
        batch = await services.intake.take_batch(
            parts_of(order), payer, idempotency_key=idempotency_key, request_hash=digest.value, digest=digest
        )
        if batch.is_new:
            return Taken([each.id for each in batch.generations], is_new=True)
        ids = await services.loop_database.statement(
            lambda sql: batches.members(sql, batch.id, customer_id=payer.customer_id)
        )
    return Taken(ids, is_new=False)


def fitted(
    request: Request, order: GenerationRequest, names: Mapping[str, str], *, mode: FitMode = "nearest"
) -> Fitted:
    """The order with settings of the model that will serve it. The order may name the model by the operator's name.

    Raises:
        RequestError: the model cannot be ordered.
    """
    services: GatewayServices = request.app.state.services
    model = meant(order.model, services.settings.openai.models)
    with in_this_dialect(names):
        return catalogue_of(request).fitted(order.model_copy(update={"model": model}), mode=mode)


def catalogue_of(request: Request) -> Catalogue:
    """The models that the key of a request can order."""
    services: GatewayServices = request.app.state.services
    caller: Caller = request.state.caller
    return services.intake.catalogue_of(caller.payer)


async def _require_client(request: Request) -> None:
    """Require that the client still waits. A client that has gone sends the order again, maybe at this moment.

    Raises:
        ClientDisconnect: the client has gone.
    """
    if await request.is_disconnected():
        raise ClientDisconnect


@contextmanager
def in_this_dialect(names: Mapping[str, str]) -> Iterator[None]:
    """Tell the errors of an order in this dialect."""
    try:
        yield
    except RequestError as error:
        raise renamed(error, names) from None
    except OUTAGES as error:
        text = "the order may be recorded, so do not send it again before you have looked into GET /v1/generations"
        raise MayBeRecorded(text) from error
