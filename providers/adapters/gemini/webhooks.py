"""Verifies Google's two signatures on a webhook.

Source: https://ai.google.dev/gemini-api/docs/webhooks. There are two kinds of webhooks:

- A create requests a webhook with `webhook_config`. Its `webhook-signature` is a token, signed with RS256 by a key of
  https://generativelanguage.googleapis.com/.well-known/jwks.json.
- An operator registers a webhook for the project. Its signature follows Standard Webhooks, with the secret from the
  registration. These webhooks go to the operator's URLs, and reach ours only if a proxy forwards them.

Google does not document the claims of the token. The documentation says to check `exp` and `aud`, but not the value of
`aud` for a URL without a registration, so this module does not check `aud`. In Google's example the claims are the
event. So if the claims name an id, the body must name the same id. A token that does not cover the body proves only
that Google sent an event recently; the following poll reads the rest.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import jwt
from jwt.types import Options
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from providers.adapters.gemini.wire import InteractionId
from providers.webhooks import bodies, standard_webhooks
from schemas.errors import CallbackRefused

_ALGORITHM: Final = "RS256"
_STANDARD: Final = "v1,"
# `verify` checks the times, with the adapter's clock.
_UNCHECKED: Final[Options] = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}


class About(BaseModel):
    """The subject of an event."""

    model_config = ConfigDict(extra="ignore")

    id: InteractionId


class _Event(BaseModel):
    model_config = ConfigDict(extra="ignore")

    data: About


class _Claims(BaseModel):
    model_config = ConfigDict(extra="ignore")

    exp: float
    data: About | None = None


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    kty: Literal["RSA"]
    n: str
    e: str
    kid: str


class _KeySetDocument(BaseModel):
    model_config = ConfigDict(extra="ignore")

    keys: list[JsonValue]


def is_static(headers: Mapping[str, str]) -> bool:
    """Whether a webhook has the signature of a webhook that is registered for the project."""
    return headers.get("webhook-signature", "").startswith(_STANDARD)


def read_event(body: bytes) -> str:
    """The id of the interaction that an event is about.

    Raises:
        CallbackRefused: the body is not an event.
    """
    return bodies.parse(body, _Event, "a webhook of Google's").data.id


def verify(keys: Sequence[jwt.PyJWK], headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Verify that one of these keys signed the token of a webhook, and that the token fits the time and the body.

    Args:
        headers: names in lower case.
        body: the raw bytes.
        now: Unix seconds.

    Raises:
        CallbackRefused: the signature is wrong, the token has expired, or the token names another id than the body.
    """
    if (timestamp := headers.get("webhook-timestamp")) is not None:
        standard_webhooks.check_timestamp(timestamp, now=now)
    claims = _claims(keys, headers.get("webhook-signature", ""))
    if claims.exp < now:
        raise CallbackRefused("the callback's token has run out")
    if claims.data is not None and claims.data.id != read_event(body):
        raise CallbackRefused("the callback's token is about something else")


def read_keys(jwks: bytes) -> tuple[jwt.PyJWK, ...]:
    """The RSA keys of a JSON Web Key Set (RFC 7517); empty if it has none."""
    try:
        entries = _KeySetDocument.model_validate_json(jwks).keys
    except ValidationError:
        return ()
    found: list[jwt.PyJWK] = []
    for entry in entries:
        try:
            found.append(jwt.PyJWK(_Entry.model_validate(entry).model_dump(), algorithm=_ALGORITHM))
        except (jwt.PyJWTError, ValueError):
            continue
    return tuple(found)


def _claims(keys: Sequence[jwt.PyJWK], token: str) -> _Claims:
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
        key = next(key for key in keys if key.key_id == key_id)
        return _Claims.model_validate(jwt.decode(token, key, algorithms=[_ALGORITHM], options=_UNCHECKED))
    except StopIteration:
        raise CallbackRefused("the callback's token names a key that is not Google's") from None
    except (jwt.PyJWTError, ValueError):
        raise CallbackRefused("the callback's signature is wrong") from None
