"""fal's signature on a webhook, and the public keys that it is checked with.

Source: https://fal.ai/docs/documentation/model-apis/inference/webhooks. Ed25519 over four lines: request id, user id,
time, SHA-256 of the body. The keys are a JWKS that may be kept for 24 hours.

**Where the keys come from.** Callbacks are read in the gateway's event loop, where no call to a vendor may be waited
for, and no other process can fill the gateway's memory. So the set is fetched by a thread, beside the callback that
found it missing, and that callback is taken unchecked: as a hint, which is what callbacks of vendors without a
signature are. It reached us under a URL whose token is ours, the pipeline reads the state with our own key in any
case, and to refuse it would only make fal send it again. Under a set that is known, a wrong signature is refused. It
may be that of a new key, so the set is fetched again, at most once a minute; fal repeats a refused webhook for two
hours.
"""

import base64
import binascii
import hashlib
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from Crypto.PublicKey.ECC import EccKey
from Crypto.Signature import eddsa
from pydantic import BaseModel, ConfigDict, ValidationError

from providers.transport import Reply
from schemas.errors import CallbackRefused, ProviderError

WINDOW_SECONDS = 300
KEPT_SECONDS = 86_400
AGAIN_SECONDS = 60

# Python refuses to read an integer of thousands of digits.
_MOST_DIGITS = 12

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def verify(keys: Sequence[EccKey], headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Check that a webhook was signed with one of these keys, not long ago.

    Args:
        headers: names in lower case.
        body: the raw bytes.
        now: Unix seconds.

    Raises:
        CallbackRefused: it was not.
    """
    timestamp = headers.get("x-fal-webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MOST_DIGITS):
        raise CallbackRefused("the callback has no X-Fal-Webhook-Timestamp in seconds")
    if abs(now - int(timestamp)) > WINDOW_SECONDS:
        raise CallbackRefused(f"the callback's timestamp is more than {WINDOW_SECONDS} s off")
    request_id = headers.get("x-fal-webhook-request-id", "")
    user_id = headers.get("x-fal-webhook-user-id", "")
    signed = "\n".join((request_id, user_id, timestamp, hashlib.sha256(body).hexdigest())).encode()
    try:
        signature = bytes.fromhex(headers.get("x-fal-webhook-signature", ""))
    except ValueError:
        signature = b""
    if not any(_is_of(key, signed, signature) for key in keys):
        raise CallbackRefused("the callback's signature is wrong")


def read_keys(jwks: bytes) -> tuple[EccKey, ...]:
    """The Ed25519 keys of a JSON Web Key Set (RFC 7517, RFC 8037); empty where there is none."""
    try:
        entries = _KeySetDocument.model_validate_json(jwks).keys
    except ValidationError:
        return ()
    found: list[EccKey] = []
    for entry in entries:
        if (entry.kty, entry.crv) == ("OKP", "Ed25519"):
            try:
                found.append(eddsa.import_public_key(base64.urlsafe_b64decode(entry.x + "=" * (-len(entry.x) % 4))))
            except (binascii.Error, ValueError):
                continue
    return tuple(found)


class KeySet:
    """The keys as this process knows them. Never waits for fal; serves all threads.

    `fetch` answers the JWKS. `known` is one that was read before.
    """

    def __init__(self, fetch: Callable[[], Reply], clock: Callable[[], float], *, known: bytes | None = None) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._set = _Set() if known is None else _Set(read_keys(known), clock())
        self._asked_at = self._set.fetched_at

    def known(self) -> tuple[EccKey, ...]:
        """The keys to verify with; empty while there are none, and then they are on their way."""
        held = self._set
        if held.keys and self._clock() - held.fetched_at <= KEPT_SECONDS:
            return held.keys
        self.refresh_soon()
        return ()

    def refresh_soon(self) -> None:
        """Fetch the keys in a thread, unless they were asked for within a minute."""
        with self._lock:
            if self._clock() - self._asked_at < AGAIN_SECONDS:
                return
            self._asked_at = self._clock()
        # A daemon: a process that ends does not wait for it.
        threading.Thread(target=self._refresh, name="fal-keys", daemon=True).start()

    def _refresh(self) -> None:
        try:
            reply = self._fetch()
        except ProviderError as error:
            log.warning("webhook_keys_not_fetched", reason=error.message)
            return
        keys = read_keys(reply.content) if reply.is_success else ()
        if not keys:
            log.warning("webhook_keys_not_fetched", status=reply.status)
            return
        self._set = _Set(keys, self._clock())


@dataclass(frozen=True)
class _Set:
    """Keys, and when they were fetched in Unix seconds."""

    keys: tuple[EccKey, ...] = ()
    fetched_at: float = -math.inf


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    kty: str = ""
    crv: str = ""
    x: str = ""


class _KeySetDocument(BaseModel):
    model_config = ConfigDict(extra="ignore")

    keys: list[_Entry]


def _is_of(key: EccKey, signed: bytes, signature: bytes) -> bool:
    try:
        eddsa.new(key, "rfc8032").verify(signed, signature)
    except ValueError:
        return False
    return True
