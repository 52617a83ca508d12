"""`/callbacks/{provider}/{generation_id}`: where providers report. A report is a hint: kept, and a wake-up."""

from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query, Request

from gateway.dependencies import Services, ServicesOf
from gateway.openapi import problems
from gateway.problems import ContentTooLarge
from providers.base import CallbackReading, Provider
from schemas import callback_token
from schemas.api import CallbackAnswer
from schemas.errors import CallbackRefused, InvalidRequest, NotFound, Unauthenticated
from storage import callbacks

log = structlog.get_logger()

router = APIRouter(prefix="/callbacks", tags=["callbacks"])


async def _raw_body(request: Request) -> bytes:
    return await request.body()


async def _require_token(
    services: ServicesOf,
    generation_id: UUID,
    token: Annotated[str, Query(alias="t", description="the token of the URL that was handed out")] = "",
) -> None:
    if not callback_token.verify(services.settings.secret_key.get_secret_value(), generation_id, token):
        log.warning("callback_token_wrong", generation_id=str(generation_id))
        raise Unauthenticated("this is not a callback URL that was handed out here")


@router.post(
    "/{provider}/{generation_id}",
    summary="Report on a generation (for providers)",
    # Before all else: who was not given this URL learns nothing.
    dependencies=[Depends(_require_token)],
    responses=problems(Unauthenticated, NotFound, ContentTooLarge, InvalidRequest),
)
async def receive_callback(
    provider: str,
    generation_id: UUID,
    request: Request,
    services: ServicesOf,
    body: Annotated[bytes, Depends(_raw_body)],
) -> CallbackAnswer:
    """Keeps a provider's report and answers at once; what follows from it is done elsewhere.

    A report on a generation that is finished, gone or with another provider by now is answered in the same way: the
    provider has nothing to mend, and would only send it again.
    """
    adapter = _adapter(services, provider)
    reading = _read(adapter, generation_id, request, body)
    wake = await services.requests_database.statements(
        lambda statements: callbacks.record(
            statements,
            adapter.name,
            generation_id,
            remote_id=reading.remote_id,
            body=body,
            resend_after=services.settings.pipeline.resend_after_seconds,
        )
    )
    if wake is not None:
        services.wakes.send(wake)
    return CallbackAnswer()


def _adapter(services: Services, provider: str) -> Provider:
    if provider not in services.providers.available():
        raise NotFound("no such provider is configured here")
    return services.providers.get(provider)


def _read(adapter: Provider, generation_id: UUID, request: Request, body: bytes) -> CallbackReading:
    try:
        return adapter.read_callback(dict(request.headers), body)
    except CallbackRefused as error:
        log.warning("callback_refused", provider=adapter.name, generation_id=str(generation_id), reason=str(error))
        raise Unauthenticated("this is not a callback of the provider's") from None
