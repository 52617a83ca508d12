"""Takes an order of a seed: each setting becomes the nearest one that the model can do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from gateway.dependencies import GatewayServices
from gateway.seeds.own_links import with_own_files
from intake.callers import Caller
from providers.catalogue import Catalogue, Change
from providers.catalogue.fitting import NO_DEFAULTS
from schemas.batches import parts_of
from schemas.inputs import Facts
from schemas.orders import GenerationRequest
from schemas.tables import Generation
from storage import batches


@dataclass(frozen=True)
class Taken:
    """An accepted order."""

    ids: Sequence[UUID]
    """The generations."""
    rows: Sequence[Generation]
    """The rows of new generations. Empty if the request repeats an earlier request."""
    batch_id: UUID | None
    """The batch of several generations. None for one."""
    changes: Sequence[Change] = ()
    """The settings that were changed, by our names. None of an order that a request repeats."""


async def take_nearest(
    request: GenerationRequest,
    services: GatewayServices,
    caller: Caller,
    *,
    request_hash: str,
    idempotency_key: str | None,
    choose: Callable[[Catalogue, GenerationRequest, Facts], str] | None = None,
    defaults: Mapping[str, object] = NO_DEFAULTS,
) -> Taken:
    """Take an order with the nearest settings. A repeated request gets its order before models and files are read.

    Args:
        request_hash: the hash of the request as received.
        choose: chooses the model. None: the request names the model, or the first model that can is taken.
        defaults: the values of the form for omitted settings, by our names.

    Raises:
        RequestError: as `AsyncIntake.take`. Nothing is recorded.
    """
    intake = services.intake
    earlier = await intake.earlier(caller.payer, request_hash=request_hash, idempotency_key=idempotency_key)
    if earlier is not None:
        return Taken(earlier.ids, [], earlier.batch_id)
    request = await with_own_files(request, services, caller.customer.id)
    facts = await intake.facts_about(request, caller.payer)
    catalogue = intake.catalogue_of(caller.payer)
    if choose is not None:
        request = request.model_copy(update={"model": choose(catalogue, request, facts)})
    fitted = catalogue.fitted(request, facts, defaults=defaults)
    if fitted.request.number_of_outputs > 1:
        batch = await intake.take_batch(
            parts_of(fitted.request), caller.payer, idempotency_key=idempotency_key, request_hash=request_hash
        )
        ids = [row.id for row in batch.generations] or await _members(services, batch.id, caller.customer.id)
        return Taken(ids, batch.generations, batch.id, fitted.changes)
    one = await intake.take(fitted.request, caller.payer, idempotency_key=idempotency_key, request_hash=request_hash)
    return Taken([one.generation.id], [one.generation] if one.is_new else [], None, fitted.changes)


async def _members(services: GatewayServices, batch_id: UUID, customer_id: UUID) -> list[UUID]:
    return await services.loop_database.statement(partial(batches.members, batch_id=batch_id, customer_id=customer_id))
