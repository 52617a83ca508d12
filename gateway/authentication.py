"""Authenticates a customer by an API key, in `Authorization: Bearer` or in `X-API-Key`."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer

from gateway.dependencies import GatewayServices
from schemas.errors import Unauthenticated
from schemas.tables import Customer
from storage import customers

_bearer = HTTPBearer(auto_error=False, scheme_name="Bearer", description="an API key: `Authorization: Bearer rw_…`")
_header = APIKeyHeader(
    name="X-API-Key", auto_error=False, scheme_name="ApiKey", description="an API key: `X-API-Key: rw_…`"
)


@dataclass(frozen=True)
class Caller:
    """The sender of a request."""

    customer: Customer
    """The customer of the key."""
    key: str
    """The API key of the request."""


class _CustomersRoute(APIRoute):
    """A route for customers. Refuses a request without a valid key before it reads the body or any parameter."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that authenticates first."""
        handle = super().get_route_handler()

        async def authenticated(request: Request) -> Response:
            request.state.caller = await _caller(request)
            return await handle(request)

        return authenticated


async def _caller(request: Request) -> Caller:
    bearer = await _bearer(request)
    key = bearer.credentials if bearer else await _header(request)
    if not key:
        raise Unauthenticated("send your API key as `Authorization: Bearer rw_…` or as `X-API-Key: rw_…`")
    services: GatewayServices = request.app.state.services
    customer = await services.loop_database.statement(lambda statement: customers.authenticate(statement, key))
    if customer is None:
        raise Unauthenticated("this API key is unknown or revoked")
    return Caller(customer, key)


def customers_router(prefix: str, tag: str) -> APIRouter:
    """A router whose routes serve customers only."""
    # The dependencies describe the key in the OpenAPI document. The class of the routes checks the key.
    documented = [Security(_bearer), Security(_header)]
    return APIRouter(prefix=prefix, tags=[tag], route_class=_CustomersRoute, dependencies=documented)


async def _the_caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


TheCaller = Annotated[Caller, Depends(_the_caller)]
"""The sender of the request. For a route of a `customers_router`."""


async def _the_customer(caller: TheCaller) -> Customer:
    return caller.customer


TheCustomer = Annotated[Customer, Depends(_the_customer)]
"""The customer of the API key. For a route of a `customers_router`."""
