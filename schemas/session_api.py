"""The requests and answers of `/v1/session`: the sign-in of the Studio page."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr

from schemas.admission_api import LONGEST_REASON
from schemas.enums import Scope
from schemas.identity_api import LONGEST_NAME
from schemas.text import Name, Prose

_CUSTOMER: dict[str, JsonValue] = {"id": "6d5d22ff-00a1-4cc1-b35d-3a97fd57e970", "name": "acme"}


class SessionRequest(BaseModel):
    """A sign-in. Without a key: as the development customer, on the machine of a development system."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"api_key": "rw_…"}]}
    )

    api_key: SecretStr | None = Field(default=None, description="the API key; only its session is kept", max_length=200)


class ViewRequest(BaseModel):
    """A view of a customer, for support."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"customer_id": _CUSTOMER["id"], "reason": "ticket 1234"}]},
    )

    customer_id: Name = Field(
        description="the customer, as in `X-Customer-ID`: to the operator's key, our id; to a service's key, its own "
        "number or text",
        min_length=1,
        max_length=LONGEST_NAME,
    )
    reason: Prose = Field(description="why, for the history of changes", min_length=1, max_length=LONGEST_REASON)


class SessionCustomer(BaseModel):
    """A customer, by name."""

    id: UUID
    """The customer's id."""
    name: str
    """The customer's name."""


class SessionKey(BaseModel):
    """The API key of a session, without the key itself."""

    id: UUID
    """The key's id."""
    name: str | None
    """The use of the key, for people."""
    prefix: str = Field(description="the key's first characters")
    scopes: list[Scope]
    """What the key allows."""
    is_test: bool = Field(description="whether the key acts for the customer's test customer")


class SessionView(BaseModel):
    """A view of a customer. The session only reads until the view ends."""

    customer: SessionCustomer
    """The customer for whom every read acts."""
    since: datetime
    """The beginning of the view."""


class SessionResource(BaseModel):
    """A sign-in on the page."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "session",
                    "customer": _CUSTOMER,
                    "key": {
                        "id": "0b5c3a3e-1f0a-4b0e-9a56-0a1f6f1c2d3e",
                        "name": "web shop",
                        "prefix": "rw_Ab3dE",
                        "scopes": ["generate", "read"],
                        "is_test": False,
                    },
                    "csrf_token": "h8J0…",
                    "viewing": None,
                    "expires_at": "2026-11-29T12:00:00Z",
                    "development": False,
                    "credits_url": None,
                }
            ]
        }
    )

    object: Literal["session"] = "session"
    """The type of this resource."""
    customer: SessionCustomer | None = Field(
        description="the customer of the key; null: the key of a service or of the operator"
    )
    key: SessionKey
    """The key of the sign-in."""
    csrf_token: str = Field(description="requests that change something send it as `X-CSRF-Token`")
    viewing: SessionView | None = Field(description="the customer whom support views; null: none")
    expires_at: datetime = Field(description="the end of the session, if nothing uses it until then")
    development: bool = Field(description="whether this is a sign-in without a key, as the development customer")
    credits_url: str | None = Field(description="the page on which customers buy credits; null: there is none")


class NoSession(BaseModel):
    """Nobody is signed in here."""

    object: Literal["no_session"] = "no_session"
    """The type of this resource."""
    development_sign_in: bool = Field(
        description="whether a sign-in needs no key here: `{}` to POST /v1/session signs in as the development customer"
    )
