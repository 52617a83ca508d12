"""`/callbacks/{provider}/{generation_id}` and `/webhooks/{provider}`: the callbacks of providers.

The gateway stores each callback and sends a wake-up. The pipeline then reads the state from the provider.
"""

from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Depends, Query, Request

from gateway import traced
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.openapi import problems
from gateway.problems import ContentTooLarge
from gateway.routing import PrefixRouter
from metrics.families import CALLBACKS
from metrics.labels import OTHER, CallbackVerdict
from providers.base import CallbackReading, Provider
from schemas import callback_token
from schemas.api import CallbackAnswer
from schemas.errors import CallbackRefused, NotFound, Unauthenticated
from schemas.text import name
from storage import callbacks

log = structlog.get_logger()

router = PrefixRouter(tags=["callbacks"])


# FastAPI describes no body, because the routes read the bytes. A signature covers the bytes.
_BODY = {
    "requestBody": {
        "required": True,
        "description": "the provider's own JSON",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {"code": 200, "msg": "success", "data": {"taskId": "kie-task-1", "state": "success"}},
            }
        },
    }
}


async def raw_body(request: Request) -> bytes:
    """The body, as the provider sent it."""
    return await request.body()


async def adapter_of(services: ServicesOf, provider: str) -> Provider:
    """The adapter of the account in the URL.

    Raises:
        NotFound: there is no such account.
    """
    if provider not in services.providers.available():
        raise NotFound("no such provider is configured here")
    return services.providers.get(provider)


async def _require_verification(adapter: Annotated[Provider, Depends(adapter_of)]) -> None:
    if not adapter.verifies_callbacks:
        raise unverified(adapter)


async def require_token(
    services: ServicesOf,
    generation_id: UUID,
    token: Annotated[str, Query(alias="t", description="the token of the callback URL")] = "",
) -> None:
    """Require that we issued the URL.

    Raises:
        Unauthenticated: the token is not the one of the generation.
    """
    if not callback_token.verify(services.settings.accepted_keys, generation_id, token):
        CALLBACKS.add(OTHER, CallbackVerdict.WRONG_TOKEN)
        log.warning("callback_token_wrong", generation_id=str(generation_id))
        raise Unauthenticated("this is not a callback URL that was handed out here")


@router.post(
    "/callbacks/{provider}/{generation_id}",
    summary="Report on a generation (for providers)",
    # Runs first: a caller without the token learns nothing.
    dependencies=[Depends(require_token)],
    openapi_extra=_BODY,
    responses=problems(Unauthenticated, NotFound, ContentTooLarge),
)
async def receive_callback(
    generation_id: UUID,
    request: Request,
    services: ServicesOf,
    adapter: Annotated[Provider, Depends(adapter_of)],
    body: Annotated[bytes, Depends(raw_body)],
) -> CallbackAnswer:
    """Stores a provider's callback and answers at once. The pipeline processes the callback later.

    The answer is the same if the generation is finished, deleted or now at another provider: an error would only make
    the provider send the callback again.
    """
    reading = read(adapter, request, body, generation_id=str(generation_id))
    await record(services, adapter, generation_id, reading, body)
    return CallbackAnswer()


@router.post(
    "/webhooks/{provider}",
    summary="Report on any generation (for providers that know one URL for all)",
    openapi_extra=_BODY,
    # Runs first: an account that cannot verify a webhook reads none.
    dependencies=[Depends(_require_verification)],
    responses=problems(Unauthenticated, NotFound, ContentTooLarge),
)
async def receive_webhook(
    request: Request,
    services: ServicesOf,
    adapter: Annotated[Provider, Depends(adapter_of)],
    body: Annotated[bytes, Depends(raw_body)],
) -> CallbackAnswer:
    """Stores a provider's callback on the work that its body names.

    Refuses a webhook whose signature cannot be verified, because this URL has no token. The answer is the same for
    unknown work: other users can share the account, and our own work is polled anyway.
    """
    reading = read(adapter, request, body)
    if not reading.is_verified:
        raise unverified(adapter)
    generation_id = await services.loop_database.statements(
        lambda statements: callbacks.find_generation(statements, adapter.name, reading.remote_id)
    )
    if generation_id is None:
        CALLBACKS.add(adapter.name, CallbackVerdict.UNKNOWN_WORK)
        log.info("webhook_of_no_generation", provider=adapter.name)
    else:
        await record(services, adapter, generation_id, reading, body)
    return CallbackAnswer()


async def record(
    services: GatewayServices, adapter: Provider, generation_id: UUID, reading: CallbackReading, body: bytes
) -> None:
    """Store a callback, and send the wake-up of its generation where one is due."""
    recorded = await services.loop_database.statements(
        lambda statements: callbacks.record(
            statements,
            adapter.name,
            generation_id,
            remote_id=reading.remote_id,
            body=body,
            resend_after=services.settings.pipeline.resend_after_seconds,
            span_id=traced.span_id(),
        )
    )
    traced.belongs_to(recorded.traceparent)
    wake = recorded.wake
    CALLBACKS.add(adapter.name, CallbackVerdict.KEPT if wake is None else CallbackVerdict.WAKES)
    if wake is not None:
        services.wakes.send(wake)


def unverified(adapter: Provider) -> Unauthenticated:
    """The refusal of a callback without a token and without a signature that the account can verify."""
    variable = f"REELWORKS_PROVIDERS__{adapter.name.upper()}__WEBHOOK_KEY"
    CALLBACKS.add(adapter.name, CallbackVerdict.UNVERIFIED)
    log.warning("webhook_unverified", provider=adapter.name)
    return Unauthenticated(f"only webhooks whose signature can be checked are taken here: see {variable}")


def read(adapter: Provider, request: Request, body: bytes, **known: str) -> CallbackReading:
    """A callback that the adapter does not refuse. `known` goes into the log line of a refusal.

    Raises:
        Unauthenticated: the signature is wrong, or the body is no callback of the provider's.
    """
    try:
        return _storable(adapter.read_callback(dict(request.headers), body))
    except CallbackRefused as error:
        CALLBACKS.add(adapter.name, CallbackVerdict.REFUSED)
        log.warning("callback_refused", provider=adapter.name, reason=str(error), **known)
        raise Unauthenticated("this is not a callback of the provider's") from None


def _storable(reading: CallbackReading) -> CallbackReading:
    try:
        name(reading.remote_id)
    except ValueError as error:
        raise CallbackRefused(f"the id of the task {error}") from None
    return reading
