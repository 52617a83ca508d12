"""The way in which the seeds' `/video` and `/image` take an order: with the nearest settings that the model can do."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import ValidationError

from gateway.callers import Caller
from gateway.dependencies import GatewayServices
from gateway.renamed import renamed
from gateway.seeds.extending import extender
from gateway.seeds.forms import ExtendVideo, MediaRequest
from gateway.seeds.own_links import own_video, with_own_files
from gateway.warnings import warning_header
from providers.catalogue import Change, Fitted
from schemas.batches import parts_of
from schemas.errors import RequestError
from schemas.orders import GenerationRequest
from schemas.refusals import Place, refusal
from schemas.setting_groups import RetentionSettings
from schemas.tables import Generation
from schemas.text import shown
from storage import batches

_UNSAVED_SECONDS = 600
"""The life of a file that the customer does not want to keep: enough to fetch the file after a 202."""

_MOST_WARNINGS = 20
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Taken:
    """An accepted order."""

    ids: Sequence[UUID]
    """The generations."""
    rows: Sequence[Generation]
    """The rows of new generations."""
    batch_id: UUID | None
    """The batch of several generations. None for one."""
    changes: Mapping[str, str]
    """The header that names the settings that were changed."""


async def take(
    wanted: MediaRequest,
    connection: Request,
    services: GatewayServices,
    caller: Caller,
    *,
    idempotency_key: str | None,
) -> Taken:
    """Take an order of this form.

    Args:
        connection: the HTTP request. URLs at its address are ours.

    Raises:
        RequestError: as `AsyncIntake.take`, with the names of this form. Nothing is recorded.
    """
    origins = {services.settings.public_url, str(connection.base_url)}
    try:
        return await _take(wanted, origins, services, caller, idempotency_key)
    except RequestError as error:
        raise renamed(error, wanted.names) from None


async def _take(
    wanted: MediaRequest,
    origins: Collection[str],
    services: GatewayServices,
    caller: Caller,
    idempotency_key: str | None,
) -> Taken:
    fields = wanted.fields
    if isinstance(wanted, ExtendVideo):
        fields["video_urls"] = [own_video(wanted.video_id, origins)]
    request = _order_of(fields, expires_in=_life(wanted, services.settings.retention))
    request = await with_own_files(request, services, caller.customer.id)
    facts = await services.intake.facts_about(request, caller.payer)
    catalogue = services.intake.catalogue_of(caller.payer)
    if isinstance(wanted, ExtendVideo):
        request = request.model_copy(update={"model": extender(catalogue, request, facts)})
    fitted = catalogue.fitted(request, facts, defaults=wanted.defaults)
    changes = warning_header(_told(wanted, fitted))
    if fitted.request.number_of_outputs > 1:
        batch = await services.intake.take_batch(
            parts_of(fitted.request), caller.payer, idempotency_key=idempotency_key
        )
        ids = [row.id for row in batch.generations] or await _members(services, batch.id, caller.customer.id)
        return Taken(ids, batch.generations, batch.id, changes)
    one = await services.intake.take(fitted.request, caller.payer, idempotency_key=idempotency_key)
    return Taken([one.generation.id], [one.generation] if one.is_new else [], None, changes)


def _order_of(fields: Mapping[str, Any], *, expires_in: int | None) -> GenerationRequest:
    try:
        return GenerationRequest.model_validate({**fields, "expires_in": expires_in})
    except ValidationError as error:
        raise refusal(error.errors(), lambda location: Place(location, GenerationRequest, "body")) from None


def _life(wanted: MediaRequest, retention: RetentionSettings) -> int | None:
    """The seconds for which the result is kept. None: as the operator says."""
    if wanted.save_to_db is not False:
        return None
    kept = math.inf if retention.asset_days is None else retention.asset_days * _DAY_SECONDS
    return _UNSAVED_SECONDS if kept >= _UNSAVED_SECONDS else None


def _told(wanted: MediaRequest, fitted: Fitted) -> list[Change]:
    """The changes of the settings in the request, by their names here, and the settings without a meaning."""
    asked, names = wanted.group.asked, wanted.group.names
    changes = [
        replace(change, field=names.get(change.field, change.field))
        for change in fitted.changes
        if change.field in asked
    ]
    unknown = [name for name in wanted.group.unknown if name.isascii() and name.isidentifier()]
    return [*changes, *(Change(shown(name), "", None) for name in unknown[:_MOST_WARNINGS])]


async def _members(services: GatewayServices, batch_id: UUID, customer_id: UUID) -> list[UUID]:
    return await services.loop_database.statement(partial(batches.members, batch_id=batch_id, customer_id=customer_id))
