"""The way in which `/api` takes an order: each setting becomes the nearest one that the model can do."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from gateway.callers import Caller
from gateway.dependencies import GatewayServices
from gateway.renamed import renamed
from gateway.warnings import warning_header
from schemas.errors import RequestError
from schemas.orders import GenerationRequest
from storage.acceptance import AcceptedOrder


@dataclass(frozen=True)
class Taken:
    """An accepted order."""

    order: AcceptedOrder
    """The order."""
    headers: Mapping[str, str]
    """The header that names the settings that were changed."""


async def take_nearest(
    services: GatewayServices,
    caller: Caller,
    order: GenerationRequest,
    names: Mapping[str, str],
    *,
    defaults: Mapping[str, object],
    asked: Collection[str],
    idempotency_key: str | None,
) -> Taken:
    """Take an order with the nearest settings.

    Args:
        names: the names of the fields in the request, by ours.
        defaults: the values of the form for omitted settings, by our names.
        asked: the names of the fields that the request has. The header names no others.

    Raises:
        RequestError: as `AsyncIntake.take`, with these names.
    """
    intake = services.intake
    try:
        facts = await intake.facts_about(order, caller.payer)
        fitted = intake.catalogue_of(caller.payer).fitted(order, facts, defaults=defaults)
        accepted = await intake.take(fitted.request, caller.payer, idempotency_key=idempotency_key)
    except RequestError as error:
        raise renamed(error, names) from None
    changes = [replace(change, field=names.get(change.field, change.field)) for change in fitted.changes]
    return Taken(accepted, warning_header([change for change in changes if change.field in asked]))
