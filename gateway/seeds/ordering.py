"""The way in which the seeds' `/video` and `/image` take an order: with the nearest settings that the model can do."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastapi import Request
from pydantic import ValidationError

from gateway.dependencies import GatewayServices
from gateway.renamed import renamed
from gateway.seeds.extending import extender
from gateway.seeds.forms import ExtendVideo, MediaRequest
from gateway.seeds.nearest import Taken, take_nearest
from gateway.seeds.own_links import own_video
from gateway.warnings import warning_header
from intake.callers import Caller
from intake.digests import value_of
from providers.catalogue import Change
from schemas.errors import RequestError
from schemas.orders import GenerationRequest
from schemas.refusals import Place, refusal
from schemas.setting_groups import RetentionSettings
from schemas.text import shown

_UNSAVED_SECONDS = 600
"""The life of a file that the customer does not want to keep: enough to fetch the file after a 202."""

_MOST_WARNINGS = 20
_DAY_SECONDS = 86_400


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
    fields = wanted.fields
    if isinstance(wanted, ExtendVideo):
        origins = {services.settings.public_url, str(connection.base_url)}
        fields["video_urls"] = [own_video(wanted.video_id, origins)]
    try:
        return await take_nearest(
            _order_of(fields, expires_in=_life(wanted, services.settings.retention)),
            services,
            caller,
            request_hash=_hash_of(wanted),
            idempotency_key=idempotency_key,
            choose=extender if isinstance(wanted, ExtendVideo) else None,
            defaults=wanted.defaults,
        )
    except RequestError as error:
        raise renamed(error, wanted.names) from None


def _hash_of(wanted: MediaRequest) -> str:
    """The hash of the request as received. The time of the wait is no part of the order."""
    return value_of(wanted.operation, {**wanted.sent, "is_kept": wanted.save_to_db is not False}, {})


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


def changes_header(wanted: MediaRequest, changes: Sequence[Change]) -> dict[str, str]:
    """The header with the changed settings of the request, by their names here, and the settings without a meaning."""
    asked, names = wanted.group.asked, wanted.group.names
    told = [replace(change, field=names.get(change.field, change.field)) for change in changes if change.field in asked]
    unknown = [name for name in wanted.group.unknown if name.isascii() and name.isidentifier()]
    return warning_header([*told, *(Change(shown(name), "", None) for name in unknown[:_MOST_WARNINGS])])
