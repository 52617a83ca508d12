"""Authenticates a customer by an API key, in `Authorization: Bearer` or in `X-API-Key`."""

from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from gateway.dependencies import ServicesOf
from schemas.errors import Unauthenticated
from schemas.tables import Customer
from storage import customers

_bearer = HTTPBearer(auto_error=False, scheme_name="Bearer", description="an API key: `Authorization: Bearer rw_…`")
_header = APIKeyHeader(
    name="X-API-Key", auto_error=False, scheme_name="ApiKey", description="an API key: `X-API-Key: rw_…`"
)


async def _given_key(
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    api_key: Annotated[str | None, Security(_header)],
) -> str:
    key = bearer.credentials if bearer else api_key
    if not key:
        raise Unauthenticated("send your API key as `Authorization: Bearer rw_…` or as `X-API-Key: rw_…`")
    return key


TheKey = Annotated[str, Depends(_given_key)]
"""The API key of the request, not yet checked. A route that uses it must also depend on `TheCustomer`."""


async def _authenticated(services: ServicesOf, key: TheKey) -> Customer:
    customer = await services.loop_database.statement(lambda statement: customers.authenticate(statement, key))
    if customer is None:
        raise Unauthenticated("this API key is unknown or revoked")
    return customer


TheCustomer = Annotated[Customer, Depends(_authenticated)]
