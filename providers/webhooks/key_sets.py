"""A vendor's public keys for its callbacks: a JSON Web Key Set (RFC 7517), cached for a day.

**Fetching.** The gateway verifies callbacks in its event loop, which must not wait for a vendor, and no other process
can fill the gateway's memory. So a thread fetches the missing key set, and the callback that found no keys is accepted
unverified. This is safe: the token in the callback's URL is ours, and the pipeline reads the state from the vendor with
our key, as for vendors without signatures. A refusal would only make the vendor send the callback again.

**Rotation.** With known keys, a wrong signature is refused. The vendor may have used a new key, so the thread fetches
the set again, at most once a minute. Vendors with such signatures repeat a refused callback for hours.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import structlog

from providers.http.calls import Call, Reply
from providers.http.transport import Transport
from schemas.errors import CallbackRefused
from schemas.names import ProviderName
from schemas.provider_errors import ProviderError
from schemas.setting_groups import ProviderSettings

KEPT_SECONDS = 86_400
AGAIN_SECONDS = 60

KeyT = TypeVar("KeyT")

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def fetching(provider: ProviderName, settings: ProviderSettings, transport: Transport, url: str) -> Callable[[], Reply]:
    """Returns a function that reads a vendor's key set. The set is public, so the call carries no key.

    Args:
        url: the vendor's URL of the set. If the settings name another base URL, the path stays the same there.
    """
    base_url = settings.base_url.rstrip("/")
    call = Call(
        provider=provider,
        operation="keys",
        method="GET",
        url=f"{base_url}{urlsplit(url).path}" if base_url else url,
        timeout_seconds=settings.timeout_seconds,
    )
    return partial(transport.send, call)


class KeySet(Generic[KeyT]):
    """The cached keys of this process. Never waits for the vendor. Safe to share between threads.

    `fetch` reads the set from the vendor, `read` parses it into keys, and `known` is a set to start with.
    """

    def __init__(
        self,
        fetch: Callable[[], Reply],
        read: Callable[[bytes], tuple[KeyT, ...]],
        clock: Callable[[], float],
        *,
        known: bytes | None = None,
    ) -> None:
        self._fetch = fetch
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._set: _Set[KeyT] = _Set((), -math.inf) if known is None else _Set(read(known), clock())
        self._asked_at = self._set.fetched_at

    def known(self) -> tuple[KeyT, ...]:
        """The keys. If they are missing or too old, starts a fetch and returns an empty tuple."""
        held = self._set
        if held.keys and self._clock() - held.fetched_at <= KEPT_SECONDS:
            return held.keys
        self.refresh_soon()
        return ()

    def check(self, verify: Callable[[tuple[KeyT, ...]], None]) -> bool:
        """Verify a callback with the keys. Returns False, without a verification, if there are no keys.

        Raises:
            CallbackRefused: `verify` refused the callback. Also starts a fetch, because the vendor may use a new key.
        """
        keys = self.known()
        if not keys:
            return False
        try:
            verify(keys)
        except CallbackRefused:
            self.refresh_soon()
            raise
        return True

    def refresh_soon(self) -> None:
        """Fetch the keys in a thread, at most once a minute."""
        with self._lock:
            if self._clock() - self._asked_at < AGAIN_SECONDS:
                return
            self._asked_at = self._clock()
        # A daemon thread does not delay the end of the process.
        threading.Thread(target=self._refresh, name="webhook-keys", daemon=True).start()

    def _refresh(self) -> None:
        try:
            reply = self._fetch()
        except ProviderError as error:
            log.warning("webhook_keys_not_fetched", reason=error.message)
            return
        keys = self._read(reply.content) if reply.is_success else ()
        if not keys:
            log.warning("webhook_keys_not_fetched", status=reply.status)
            return
        self._set = _Set(keys, self._clock())


@dataclass(frozen=True)
class _Set(Generic[KeyT]):
    """Keys, and the time of their fetch in Unix seconds."""

    keys: tuple[KeyT, ...]
    fetched_at: float
