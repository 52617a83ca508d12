"""The requests and answers of the HTTP API about keys, customers, services and grants."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from schemas.api import CreditsResource, CustomerResource
from schemas.batches import BatchRequest
from schemas.enums import DEFAULT_SCOPES, Scope
from schemas.lists import ListResource
from schemas.orders import GenerationRequest, OptionalWholeNumber, WholeNumber
from schemas.quota_api import LIMITS_EXAMPLE, CustomerLimitsResource, LimitsResource, LimitTerms, UsedLimits
from schemas.quotas import OnLimit
from schemas.text import Name, OptionalName, OptionalProse

MOST_CREDITS = 2**53 - 1
"""The limit stops typing errors. Every JSON reader is exact up to here, and a BIGINT holds far more."""

_TEN_YEARS = 10 * 366 * 86_400
_DAY = 86_400

CUSTOMER_HEADER = "X-Customer-ID"
"""The header by which a service, or the operator, names the customer of a request."""

LONGEST_NAME = 200

_NAMES_CUSTOMER = "the customer, as in `X-Customer-ID`; only for keys that act for many customers"


class HttpOrder(GenerationRequest):
    """A request for one image or video. Omitted settings take the model's defaults."""

    customer_id: OptionalName = Field(
        default=None, description=_NAMES_CUSTOMER, min_length=1, max_length=LONGEST_NAME, examples=["123"]
    )

    def without_customer(self) -> Self:
        """The same order by each way to name the customer."""
        return self if self.customer_id is None else self.model_copy(update={"customer_id": None})


class HttpBatch(BatchRequest):
    """Several requests, or one `request` with several `prompts` or `seeds`."""

    customer_id: OptionalName = Field(
        default=None, description=_NAMES_CUSTOMER, examples=["123"], min_length=1, max_length=LONGEST_NAME
    )


class _KeyTerms(LimitTerms):
    """The terms of a key that can change."""

    name: OptionalName = Field(
        default=None, description="the use of the key, for people; null: no name", min_length=1, max_length=100
    )
    daily_cap: OptionalWholeNumber = Field(
        default=None,
        description="credits that the key may spend on one day in UTC; null: no cap",
        ge=0,
        le=MOST_CREDITS,
    )
    expires_in: OptionalWholeNumber = Field(
        default=None,
        description="seconds from now to the end of the key; null: the key has no end",
        ge=1,
        le=_TEN_YEARS,
    )


class KeyRequest(_KeyTerms):
    """A new API key. The key allows no more than the key that makes it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "web shop", "scopes": ["generate", "read"], "daily_cap": 500}]}
    )

    scopes: list[Scope] = Field(
        default=list(DEFAULT_SCOPES),
        description="`generate`: order, upload, cancel and delete; `read`: every GET; `credits:grant`: grant credits; "
        "`admin`: manage keys",
        min_length=1,
        max_length=len(Scope),
    )
    test: bool | None = Field(
        default=None, description="true: a test key, whose orders go to the sandbox and cost nothing; null: as your key"
    )
    makes_customers: bool = Field(
        default=False, description="of a service's key: whether the first use of an unknown customer makes the customer"
    )


class KeyChange(_KeyTerms):
    """New terms of an API key. An omitted field stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "web shop", "daily_cap": 800, "expires_in": 2_592_000}]}
    )


class RotationRequest(BaseModel):
    """The times of a rotation."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"ends_in": 3600}]}
    )

    ends_in: WholeNumber = Field(
        default=_DAY, description="seconds in which the first key still works", ge=0, le=_TEN_YEARS
    )
    expires_in: OptionalWholeNumber = Field(
        default=None,
        description="seconds to the end of the new key; null: the end of the first key",
        ge=1,
        le=_TEN_YEARS,
    )


_KEY_EXAMPLE: dict[str, JsonValue] = {
    "object": "key",
    "id": "1f0b6a52-6a0f-4b8e-8d6b-0d8a3f0a7c11",
    "prefix": "rw_Ab3dE",
    "name": "web shop",
    "scopes": ["generate", "read"],
    "test": False,
    "makes_customers": False,
    "daily_cap": 500,
    "spent_today": 40,
    "in_flight": 5,
    "per_day": None,
    "on_limit": "reject",
    "used": {"in_flight": 2, "today": 10, "credits_today": 40},
    "created_at": "2026-11-29T12:00:00Z",
    "expires_at": None,
    "last_used_at": "2026-11-29T12:30:00Z",
    "revoked_at": None,
    "replaced_by": None,
}


class KeyResource(BaseModel):
    """An API key, without its material."""

    model_config = ConfigDict(json_schema_extra={"examples": [_KEY_EXAMPLE]})

    object: Literal["key"] = "key"
    """The type of this resource."""
    id: UUID
    """The key's id."""
    prefix: str = Field(description="the first characters, which tell keys apart and give no access")
    name: str | None = Field(description="the use of the key")
    scopes: list[str] = Field(description="what the key allows")
    test: bool = Field(description="whether the key's orders go to the sandbox")
    makes_customers: bool = Field(description="whether the key makes unknown customers of its service")
    daily_cap: int | None = Field(description="credits a day in UTC; null: no cap")
    spent_today: int | None = Field(
        description="held or paid for the orders of today by this key and those that share its cap; null: no cap"
    )
    in_flight: int | None = Field(description="generations of the key at the same time; null: no limit")
    per_day: int | None = Field(description="generations of the key on one day in UTC; null: no limit")
    on_limit: OnLimit = Field(description="what happens to an order over a limit or the cap: `reject` or `wait`")
    used: UsedLimits | None = Field(
        description="how much is used by this key and those that share its limits; null: no limits"
    )
    created_at: datetime
    """The time of creation."""
    expires_at: datetime | None = Field(description="when the key ends; null: never")
    last_used_at: datetime | None = Field(description="the last use, to about a minute; null: never used")
    revoked_at: datetime | None = Field(description="when the key was revoked; null for a valid key")
    replaced_by: UUID | None = Field(description="the key that a rotation made in place of this one")


class NewKeyResource(KeyResource):
    """A new API key with its material."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_KEY_EXAMPLE, "key": "rw_Ab3dE…", "spent_today": 0}]})

    key: str = Field(description="the key itself. It is shown here once, and never again")


class KeyList(ListResource[KeyResource]):
    """One page of API keys."""


class MeResource(CustomerResource):
    """The customer for whom a request acts, and the key of the request."""

    key: KeyResource
    """The key of the request."""
    limits: LimitsResource | None = Field(description="the customer's limits; null: there are none")


class GrantRequest(BaseModel):
    """Credits for a customer."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"amount": 1000, "reference": "invoice-17"}]},
    )

    amount: WholeNumber = Field(description="credits", ge=1, le=MOST_CREDITS)
    reference: Name = Field(
        description="makes the grant happen once for the customer, e.g. an invoice number", min_length=1, max_length=200
    )
    reason: OptionalProse = Field(default=None, description="a note for people", min_length=1, max_length=500)
    customer_id: OptionalName = Field(
        default=None, description=_NAMES_CUSTOMER, min_length=1, max_length=LONGEST_NAME, examples=["123"]
    )


class GrantResource(BaseModel):
    """A grant of credits. The same reference gives the same grant again, and no more credits."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "grant",
                    "amount": 1000,
                    "reference": "invoice-17",
                    "credits": {"object": "credits", "available": 1960, "held": 40},
                }
            ]
        }
    )

    object: Literal["grant"] = "grant"
    """The type of this resource."""
    amount: int
    """The credits of the grant."""
    reference: str
    """The reference of the grant."""
    credits: CreditsResource
    """The customer's credits after the grant."""


class ManagedCustomerRequest(BaseModel):
    """A new customer."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"name": "acme", "customer_id": "123"}]},
    )

    name: Name = Field(description="the customer's name, for people", min_length=1, max_length=200)
    customer_id: OptionalName = Field(
        default=None,
        description="the service's own number or text; needed with a service's key",
        min_length=1,
        max_length=LONGEST_NAME,
        examples=["123"],
    )


class ManagedCustomer(BaseModel):
    """A customer as the operator and services see it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "customer",
                    "id": "6d5d22ff-00a1-4cc1-b35d-3a97fd57e970",
                    "customer_id": "123",
                    "service_id": "0d8a3f0a-6a0f-4b8e-8d6b-1f0b6a527c11",
                    "name": "acme",
                    "credits": {"object": "credits", "available": 960, "held": 40},
                    "limits": {**LIMITS_EXAMPLE, "weight": 1.0},
                    "test_limits": None,
                    "created_at": "2026-11-29T12:00:00Z",
                }
            ]
        }
    )

    object: Literal["customer"] = "customer"
    """The type of this resource."""
    id: UUID
    """Our id."""
    customer_id: str | None = Field(description="the service's own number or text; null for a customer of no service")
    service_id: UUID | None = Field(description="the service; null for a customer of no service")
    name: str
    """The customer's name."""
    credits: CreditsResource
    """The customer's credits."""
    limits: CustomerLimitsResource | None = Field(description="the customer's limits; null: there are none")
    test_limits: CustomerLimitsResource | None = Field(
        description="the limits of the customer's test keys together; null: there are none"
    )
    created_at: datetime
    """The time of creation."""


class ManagedCustomerList(ListResource[ManagedCustomer]):
    """One page of customers."""


class ServiceRequest(BaseModel):
    """A new service."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"name": "web shop"}]}
    )

    name: Name = Field(description="the service's name, which no other service has", min_length=1, max_length=200)


class ServiceResource(BaseModel):
    """A service, which acts for many customers."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "object": "service",
                    "id": "0d8a3f0a-6a0f-4b8e-8d6b-1f0b6a527c11",
                    "name": "web shop",
                    "created_at": "2026-11-29T12:00:00Z",
                }
            ]
        },
    )

    object: Literal["service"] = "service"
    """The type of this resource."""
    id: UUID
    """The service's id."""
    name: str
    """The service's name."""
    created_at: datetime
    """The time of creation."""


class ServiceList(ListResource[ServiceResource]):
    """One page of services."""
