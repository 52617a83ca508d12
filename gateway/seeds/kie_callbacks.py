"""`/api/kie-callback` and `/api/kie-video-callback`: callbacks of Kie that name the node of the order.

A node is the `reference` of an order. The body is a hint, as at `gateway.callbacks`: the pipeline reads the state from
Kie.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import PlainTextResponse
from pydantic import TypeAdapter, ValidationError

from gateway.callbacks import adapter_of, raw_body, read, record, require_token, unverified
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.openapi import Responses
from gateway.problems import BadRequest, ContentTooLarge
from gateway.routing import PrefixRouter
from gateway.seeds.app_errors import callback_refusals
from gateway.seeds.kie_bodies import answer_to
from providers.base import CallbackReading, Provider
from schemas.callback_token import NODE_CALLBACKS
from schemas.enums import Door, Kind
from schemas.errors import NotFound, Unauthenticated
from schemas.orders import Reference
from storage import callbacks

_PREFIX: Final = "/api/kie-"

router = PrefixRouter(prefix=_PREFIX, tags=[Door.SEEDS])

_REFERENCE: Final = TypeAdapter(Reference)

_ACCOUNT: Final = "kie"
"""The account of a URL that names none, as the seeds print the URL."""


@dataclass(frozen=True)
class _Sender:
    """The account that sends a callback, and the proof in the URL."""

    adapter: Provider
    """The account."""
    generation_id: UUID | None
    """The generation of the URL's token. None: the URL has no token, so only a signature makes the callback count."""


def _node(parameter: str) -> Callable[..., Coroutine[Any, Any, str]]:
    """A dependency: the node in a parameter of the URL. `_described` documents the parameter."""

    async def node(request: Request) -> str:
        value = request.query_params.get(parameter)
        if not value:
            raise BadRequest(f"Missing {parameter} parameter")
        try:
            return _REFERENCE.validate_python(value)
        except ValidationError:
            raise _unknown(parameter) from None

    return node


def _unknown(parameter: str) -> NotFound:
    return NotFound(f"Unknown {parameter}")


async def _sender(
    services: ServicesOf,
    provider: Annotated[str, Query(description="the account at Kie")] = _ACCOUNT,
    generation: Annotated[UUID | None, Query(description="the generation; our own URLs have it")] = None,
    token: Annotated[str, Query(alias="t", description="the token of our own URLs")] = "",
) -> _Sender:
    if generation is not None:
        await require_token(services, generation, token)
    adapter = await adapter_of(services, provider)
    if not services.providers.calls_back_by_node(provider):
        raise NotFound(f"the callbacks of {provider} name no node")
    if generation is None and not adapter.verifies_callbacks:
        raise unverified(adapter)
    return _Sender(adapter, generation)


def _described(parameter: str) -> dict[str, Any]:
    node = {"name": parameter, "in": "query", "required": True, "schema": _REFERENCE.json_schema()}
    result = '{"resultUrls": ["https://kie-cdn.example/result"]}'
    data = {"taskId": "kie-task-1", "state": "success", "resultJson": result, "consumeCredits": 100, "costTime": 45000}
    example = {"code": 200, "data": data}
    return {
        "parameters": [{**node, "description": "the order's `reference`"}],
        "requestBody": {
            "required": True,
            "description": "Kie's own JSON",
            "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
        },
    }


_ANSWERS: Responses = {
    200: {
        "description": "The callback is stored, or its generation was deleted",
        "content": {"text/plain": {"schema": {"enum": ["Success", "Failure recorded"]}}},
    },
    **callback_refusals(BadRequest, Unauthenticated, NotFound, ContentTooLarge),
}


def _receiver(kind: Kind, parameter: str) -> Callable[..., Coroutine[Any, Any, PlainTextResponse]]:
    """The handler of one path."""

    async def receive(
        node: Annotated[str, Depends(_node(parameter))],
        sender: Annotated[_Sender, Depends(_sender)],
        body: Annotated[bytes, Depends(raw_body)],
        request: Request,
        services: ServicesOf,
    ) -> PlainTextResponse:
        """Stores a callback, and answers at once. The pipeline reads the state from Kie.

        The URL has a token of ours, or the account verifies the signature. Every other callback is refused.
        """
        return await _receive(services, sender, request, body, kind, node)

    return receive


async def _receive(
    services: GatewayServices, sender: _Sender, request: Request, body: bytes, kind: Kind, node: str
) -> PlainTextResponse:
    reading = read(sender.adapter, request, body, node=node)
    if sender.generation_id is None and not reading.is_verified:
        raise unverified(sender.adapter)
    generation_id = await _generation_of(services, sender, reading, kind, node)
    if generation_id is None:
        raise _unknown(NODE_CALLBACKS[kind][1])
    # A callback in a form that `answer_to` refuses is news of the task, too.
    await record(services, sender.adapter, generation_id, reading, body)
    return PlainTextResponse(answer_to(body, kind))


async def _generation_of(
    services: GatewayServices, sender: _Sender, reading: CallbackReading, kind: Kind, node: str
) -> UUID | None:
    """The generation of the node: the one of the token, or without a token the one of the signed task."""
    given = sender.generation_id
    if given is None:
        return await services.loop_database.statements(
            lambda sql: callbacks.find_by_reference(sql, sender.adapter.name, reading.remote_id, kind, node)
        )
    is_of_node = await services.loop_database.statements(
        lambda sql: callbacks.may_have_reference(sql, given, kind, node)
    )
    return given if is_of_node else None


for _kind, (_path, _parameter) in NODE_CALLBACKS.items():
    router.post(
        _path.removeprefix(_PREFIX),
        name=f"receive_{_kind}_callback",
        summary=f"Report on the {_kind} of a node (for Kie)",
        response_class=PlainTextResponse,
        responses=_ANSWERS,
        openapi_extra=_described(_parameter),
    )(_receiver(_kind, _parameter))
