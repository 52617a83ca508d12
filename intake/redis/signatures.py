"""Signatures of requests at the Redis door. An API key signs a message, and never stands in one.

The signature is an HMAC-SHA256 of four lines: the operation, the id of the message, the time in Unix seconds, and the
text of the arguments. The sender signs the text and sends the same text, so the form of the JSON does not matter. The
secret is the SHA-256 of the API key in hex: the form in which a key is stored. So a signature has the rights, the cap
and the end of its key, and keys rotate as they do over HTTP.

A message that is sent again within the time of a signature is the same order, because its id is known that long.
"""

import hmac
import time
from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from intake.callers import Caller, caller_of, is_missing, made, require_name, require_valid
from intake.orders import Intake
from intake.redis.arguments import parsed, read_object
from schemas.door_settings import DoorSettings
from schemas.enums import Scope
from schemas.errors import InvalidRequest, SignatureInvalid, Unauthenticated
from storage import api_keys, customers
from storage.database import Database
from storage.sql import Sql

# The clocks of senders may differ from ours.
_CLOCK_SECONDS = 300

_USE_SECONDS = 60.0
_MOST_REMEMBERED = 10_000

_HOW = "docs/redis-door.md describes signatures"


class Signature(BaseModel):
    """The signature of a message."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    key: str = Field(description="the first characters of the API key, such as rw_Ab3dE", min_length=1, max_length=40)
    timestamp: int = Field(description="the time of the signature, in whole Unix seconds", ge=0, le=2**53)
    hmac: str = Field(description="HMAC-SHA256 in lower-case hex", min_length=1, max_length=64)


class SignedArguments(BaseModel):
    """The arguments of a signed message."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    arguments: str = Field(description="the arguments as JSON in a text, exactly as signed")
    signature: Signature = Field(description="the signature of the message")


def opened(
    intake: Intake, operation: str, message_id: str, arguments: dict[str, object], scope: Scope
) -> tuple[dict[str, object], Caller | None]:
    """The arguments of a message, with our id of the customer, and the sender whose key has signed.

    Args:
        scope: the scope that the operation needs.

    Returns:
        None for the sender of a message without a signature.

    Raises:
        Unauthenticated: the message needs a signature, or its key is unknown, was revoked, or has ended.
        SignatureInvalid: the signature is wrong, or too old.
        InsufficientScope, OtherCustomer, NotFound: the key may not do this for the customer.
        InvalidRequest: the arguments have another form.
    """
    if "signature" not in arguments:
        if intake.settings.door.require_signatures:
            raise Unauthenticated(f"this door serves signed messages only: sign with your API key; {_HOW}")
        return arguments, None
    signed = parsed(SignedArguments, arguments)
    _require_time(signed.signature, intake.settings.door)
    content = f"{operation}\n{message_id}\n{signed.signature.timestamp}\n{signed.arguments}"
    key_hash = _hash_of_signer(intake.database, signed.signature, content.encode("utf-8", "surrogatepass"))
    inner = read_object(signed.arguments)
    caller = _caller(intake.database, key_hash, inner.get("customer_id"), scope)
    return {**inner, "customer_id": str(caller.customer.id)}, caller


def _require_time(signature: Signature, settings: DoorSettings) -> None:
    age = time.time() - signature.timestamp
    if age > settings.signature_seconds:
        raise SignatureInvalid(
            f"the signature is {age:.0f} s old, and is valid for {settings.signature_seconds} s: "
            "sign again with the time of now"
        )
    if age < -_CLOCK_SECONDS:
        raise SignatureInvalid(f"the signature is from {-age:.0f} s ahead: set the clock; `timestamp` is Unix seconds")


# The keys of a prefix seldom change, and no index leads to them. A key's validity is checked anew for each message.
_known_hashes: dict[str, list[str]] = {}


def _hash_of_signer(database: Database, signature: Signature, content: bytes) -> str:
    """The stored form of the key that made a signature."""
    if found := _matching(_known_hashes.get(signature.key, ()), signature, content):
        return found
    with database.statement() as sql:
        hashes = api_keys.hashes_of(sql, signature.key) if signature.key.isprintable() else []
    if not hashes:
        raise Unauthenticated("no API key begins so: `key` is the first characters of the key, such as rw_Ab3dE")
    if len(_known_hashes) >= _MOST_REMEMBERED:
        _known_hashes.clear()
    _known_hashes[signature.key] = hashes
    if found := _matching(hashes, signature, content):
        return found
    raise SignatureInvalid(
        "the signature does not match: sign the lines OPERATION, ID, TIMESTAMP and the text of `arguments`, joined by "
        f"line feeds, with the SHA-256 of the API key in hex; {_HOW}"
    )


def _matching(hashes: Sequence[str], signature: Signature, content: bytes) -> str | None:
    given = signature.hmac.encode()
    for key_hash in hashes:
        if hmac.compare_digest(hmac.new(key_hash.encode(), content, "sha256").hexdigest().encode(), given):
            return key_hash
    return None


_noted_at: dict[UUID, float] = {}


def _note_use(sql: Sql, key_id: UUID) -> None:
    """Record the use of a key, at most once a minute. People see by this whether a rotated key is still in use."""
    now = time.monotonic()
    if now - _noted_at.get(key_id, -_USE_SECONDS) >= _USE_SECONDS:
        api_keys.note_use(sql, [key_id])
        _noted_at[key_id] = now


def _caller(database: Database, key_hash: str, named: object, scope: Scope) -> Caller:
    """The sender, who acts for the customer whom the arguments name, as over HTTP."""
    if named is not None and not isinstance(named, str):
        raise InvalidRequest.of_fields([("customer_id", 'must be text in quotation marks, such as "text"')])
    require_name(named, "customer_id")
    with database.statement() as sql:
        found = require_valid(customers.authenticate_hash(sql, key_hash, named), scope)
        _note_use(sql, found.key.id)
    if named is None and found.key.owner.customer_id is None:
        problem = "is missing: this key acts for many customers, so each request names one"
        raise InvalidRequest.of_fields([("customer_id", problem)])
    if named is not None and is_missing(found):
        with database.transaction() as session:
            return made(session, found, named, makes=scope is Scope.GENERATE)
    return caller_of(found, named)
