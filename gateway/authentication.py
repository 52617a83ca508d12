"""Routers whose routes need an API key, with the scope of the route.

The key is in `Authorization: Bearer` or in `X-API-Key`, or is the key of the session whose token is in the cookie.
"""

import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.types import Lifespan

from gateway import session_cookie, sessions
from gateway.callers import identify, named_in_header
from gateway.dependencies import GatewayServices
from gateway.head import READS
from gateway.routing import PrefixRouter
from intake.callers import Caller
from schemas.enums import Scope
from schemas.errors import InvalidRequest
from schemas.identity_api import CUSTOMER_HEADER
from storage.customers import ActingCustomer
from storage.sessions import SignedIn

__all__ = ["Caller", "TheCaller", "TheCustomer", "customers_router", "needs"]

_bearer = HTTPBearer(auto_error=False, scheme_name="Bearer", description="an API key: `Authorization: Bearer rw_…`")
_header = APIKeyHeader(
    name="X-API-Key", auto_error=False, scheme_name="ApiKey", description="an API key: `X-API-Key: rw_…`"
)

_SCOPE = "x-required-scope"


def needs(scope: Scope) -> dict[str, Any]:
    """The `openapi_extra` of a route that needs this scope. Other routes: `read` for GET, and `generate`."""
    return {_SCOPE: scope}


class _KeysRoute(APIRoute):
    """A route for requests with an API key. A burst of one key waits for its turns.

    Refuses a request without a valid key, without the scope of the route, or above the rate limit, before it reads the
    body or any parameter.
    The OpenAPI document shows the scope.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that authenticates first."""
        handle = super().get_route_handler()
        usual = Scope.READ if READS.issuperset(self.methods or ()) else Scope.GENERATE
        self.openapi_extra = {**needs(usual), **(self.openapi_extra or {})}
        scope: Scope = self.openapi_extra[_SCOPE]

        async def authenticated(request: Request) -> Response:
            request.state.arrived_at = time.monotonic()
            request.state.scope = scope
            services: GatewayServices = request.app.state.services
            key = await _key_in_header(request)
            async with services.turns.short_of(key or session_cookie.token_of(request)):
                proof = request.state.proof = await sessions.of_request(request) if key is None else key
                request.state.caller = await identify(request, proof, scope)
                response = await handle(request)
            if isinstance(proof, SignedIn):
                # Without the header `Authorization`, a cache between would take the answer for everybody's.
                response.headers.setdefault("Cache-Control", "private, no-cache")
            return response

        return authenticated


async def _key_in_header(request: Request) -> str | None:
    bearer = await _bearer(request)
    return bearer.credentials if bearer else await _header(request)


def customers_router(prefix: str, tag: str, *, lifespan: Lifespan[Any] | None = None) -> PrefixRouter:
    """A router whose routes need an API key.

    Args:
        lifespan: what runs while the application runs.
    """
    # The dependencies describe the key in the OpenAPI document. The class of the routes checks the key.
    documented = [Security(_bearer), Security(_header)]
    return PrefixRouter(prefix=prefix, tags=[tag], route_class=_KeysRoute, dependencies=documented, lifespan=lifespan)


async def caller_for(request: Request, named: str | None) -> Caller:
    """The caller of a request whose body may name the customer.

    Raises:
        InvalidRequest: the header names another customer.
    """
    caller: Caller = request.state.caller
    in_header = named_in_header(request)
    if named is None or named == in_header:
        return caller
    if in_header is not None:
        raise InvalidRequest.of_fields([("customer_id", f"differs from {CUSTOMER_HEADER}: send one of them")])
    return await identify(request, request.state.proof, request.state.scope, named)


async def _the_caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


TheCaller = Annotated[Caller, Depends(_the_caller)]
"""The sender of the request. For a route of a `customers_router`."""


async def _the_customer(caller: TheCaller) -> ActingCustomer:
    return caller.customer


TheCustomer = Annotated[ActingCustomer, Depends(_the_customer)]
"""The customer for whom the request acts. For a route of a `customers_router`."""
