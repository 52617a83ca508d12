"""Tells a repeated order from a new one: by the customer's key, by the message, or by the digest of the order.

Official clients of OpenAI send an order again without a key. So equal orders of one API key for one customer are the
same order in two cases: a client says that it sends the order again, and the first attempt is some minutes old at most;
or the operator has set a window for all orders.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from schemas.orders import GenerationRequest
from schemas.setting_groups import IntakeSettings
from storage import acceptance
from storage.digests import EqualOrders
from storage.ledger import Spender

# A key of a customer has no space.
_OF_A_MESSAGE = "message "


@dataclass(frozen=True)
class Digest:
    """The digest of an order, and the number of this attempt."""

    key_id: UUID | None
    """The API key of the order. None: an order without a key, through the Redis door."""
    value: str
    """SHA-256 of the parsed order and of its files."""
    retry_count: int = 0
    """How often the client has sent the order before."""
    began_at: float = field(default_factory=time.monotonic)
    """The time at which this attempt arrived, by `time.monotonic`."""

    def equal_orders(self, customer_id: UUID, settings: IntakeSettings) -> EqualOrders:
        """The earlier orders that are the same order. Orders of other keys and customers never are."""
        window = settings.digest_window_seconds or 0
        sender = f"{self.key_id} {customer_id} {self.value}"
        return EqualOrders(
            value=hashlib.sha256(sender.encode()).hexdigest(),
            is_retry=self.retry_count > 0,
            began_at=self.began_at,
            within_seconds=max(window, settings.retry_window_seconds) if self.retry_count > 0 else window,
            keep_seconds=max(window, settings.retry_window_seconds),
        )


@dataclass(frozen=True)
class Repeats:
    """The earlier orders that are the same order."""

    key: str | None
    """Orders with this idempotency key are the same order. None: an order without a key."""
    request_hash: str | None = None
    """The hash of the request as the door received it. None: the hash of the order."""
    equal_orders: EqualOrders | None = None
    """These equal orders are the same order, too. None: a key of the customer decides alone, or nothing does."""


def repeats(
    key: str | None,
    digest: Digest | None,
    requests: Sequence[GenerationRequest],
    customer_id: UUID,
    spender: Spender | None,
    settings: IntakeSettings,
    *,
    request_hash: str | None = None,
    operation: str,
) -> Repeats:
    """The earlier orders that are the same order.

    Args:
        key: the customer's idempotency key, or a `message_key`.
        digest: the door's digest of the order. None: with a window for all orders, the hash makes the digest.
        request_hash: the hash of the request as the door received it. None: the hash of the requests.
        operation: the name of the operation in that digest: a batch of one request is no single order.
    """
    has_digest = digest is not None or settings.digest_window_seconds is not None
    if not has_digest or (key is not None and not key.startswith(_OF_A_MESSAGE)):
        return Repeats(key, request_hash)
    value = request_hash or f"{operation} {acceptance.hash_of(requests)}"
    digest = digest or Digest(spender.key_id if spender else None, value)
    return Repeats(key, request_hash, digest.equal_orders(customer_id, settings))


def message_key(message_id: str) -> str:
    """The key of an order without a key of the customer: a message that Redis delivers twice is one order."""
    return f"{_OF_A_MESSAGE}{message_id}"


def value_of(operation: str, fields: Mapping[str, object], files: Mapping[str, str]) -> str:
    """The digest of an order in the form of a door. Neither the order of fields nor a boundary of parts counts.

    Args:
        operation: the door's name of the operation, such as `images.edit`.
        fields: the parsed fields, in values of JSON.
        files: the SHA-256 of each file, by the name of its field.
    """
    order = json.dumps([operation, dict(fields), dict(files)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(order.encode()).hexdigest()
