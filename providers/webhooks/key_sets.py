"""A vendor's public keys, with which its callbacks are verified: a JSON Web Key Set (RFC 7517) that may be kept a day.

**Where the keys come from.** Callbacks are read in the gateway's event loop, where no call to a vendor may be waited
for, and no other process can fill the gateway's memory. So the set is fetched by a thread, beside the callback that
found it missing, and that callback is taken unchecked: as a hint, which is what callbacks of vendors without a
signature are. It reached us under a URL whose token is ours, the pipeline reads the state with our own key in any
case, and to refuse it would only make the vendor send it again. Under a set that is known, a wrong signature is
refused. It may be that of a new key, so the set is fetched again, at most once a minute; a vendor that signs like this
repeats a refused callback for hours.
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
from schemas.errors import CallbackRefused, ProviderError
from schemas.names import ProviderName
from schemas.settings import ProviderSettings

KEPT_SECONDS = 86_400
AGAIN_SECONDS = 60

KeyT = TypeVar("KeyT")

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def fetching(provider: ProviderName, settings: ProviderSettings, transport: Transport, url: str) -> Callable[[], Reply]:
    """A call that reads a vendor's key set; such a set is public, so the call goes without our key.

    Args:
        url: the vendor's own address. Where the settings name another base URL, the set has the same path there.
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
    """The keys as this process knows them. Never waits for the vendor; serves all threads.

    `fetch` answers the set, `read` makes keys of its text: none where there are none. `known` is one that was read
    before.
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
        """The keys to verify with; empty while there are none, and then they are on their way."""
        held = self._set
        if held.keys and self._clock() - held.fetched_at <= KEPT_SECONDS:
            return held.keys
        self.refresh_soon()
        return ()

    def check(self, verify: Callable[[tuple[KeyT, ...]], None]) -> bool:
        """Verify a callback with the keys; answers whether there were any.

        Raises:
            CallbackRefused: `verify` refused it. The vendor may have signed it with a new key, so the set is fetched.
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
        """Fetch the keys in a thread, unless they were asked for within a minute."""
        with self._lock:
            if self._clock() - self._asked_at < AGAIN_SECONDS:
                return
            self._asked_at = self._clock()
        # A daemon: a process that ends does not wait for it.
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
    """Keys, and when they were fetched in Unix seconds."""

    keys: tuple[KeyT, ...]
    fetched_at: float
