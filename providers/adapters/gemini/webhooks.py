"""Google's two signatures on a webhook.

Source: https://ai.google.dev/gemini-api/docs/webhooks. One that a create asked for with `webhook_config` carries a
token in `webhook-signature`, signed with RS256 by a key of
https://generativelanguage.googleapis.com/.well-known/jwks.json. One that an operator registered for the project is
signed as Standard Webhooks are, with the secret that the registration answered; it is for URLs of the operator's own,
and comes to ours only where a proxy sends it on.

What the token claims, Google does not say. `exp` it wants checked, and `aud` as well, without a word of what `aud`
holds for a URL that was registered nowhere: that is not checked. Its example takes the claims for the event, so where
they name what it is about, the body has to name the same; a token that does not cover the body proves that Google had
something to tell lately, and the rest is for the poll that follows.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import jwt
from jwt.types import Options
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from providers.adapters.gemini.wire import InteractionId
from providers.webhooks import standard_webhooks
from schemas.errors import CallbackRefused

_ALGORITHM: Final = "RS256"
_STANDARD: Final = "v1,"
# Times are checked by our own clock.
_UNCHECKED: Final[Options] = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}


class About(BaseModel):
    """What an event is about."""

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
    """Whether a webhook is signed as those are that are registered for the project."""
    return headers.get("webhook-signature", "").startswith(_STANDARD)


def read_event(body: bytes) -> str:
    """The id of what an event is about.

    Raises:
        CallbackRefused: the body is no event.
    """
    try:
        return _Event.model_validate_json(body).data.id
    except ValidationError:
        raise CallbackRefused("the body is not a webhook of Google's") from None


def verify(keys: Sequence[jwt.PyJWK], headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Check that a webhook carries a token of one of these keys, which is not long ago and about the same.

    Args:
        headers: names in lower case.
        body: the raw bytes.
        now: Unix seconds.

    Raises:
        CallbackRefused: it does not.
    """
    if (timestamp := headers.get("webhook-timestamp")) is not None:
        standard_webhooks.check_timestamp(timestamp, now=now)
    claims = _claims(keys, headers.get("webhook-signature", ""))
    if claims.exp < now:
        raise CallbackRefused("the callback's token has run out")
    if claims.data is not None and claims.data.id != read_event(body):
        raise CallbackRefused("the callback's token is about something else")


def read_keys(jwks: bytes) -> tuple[jwt.PyJWK, ...]:
    """The RSA keys of a JSON Web Key Set (RFC 7517); empty where there is none."""
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
