"""Tells the operator once when an account begins to fail, and once when it works again."""

import time
from threading import Lock

import structlog

from schemas.names import ProviderName
from schemas.provider_errors import (
    ProviderError,
    ProviderModelGone,
    ProviderRateLimited,
    ProviderRejected,
    ProviderWorkAbsent,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

# A single lost call is usual on the internet, and is tried again.
_FAILURES_IN_A_ROW = 3


class Health:
    """The health of one account, as this process sees it. Threads may share it."""

    def __init__(self, provider: ProviderName) -> None:
        self._provider = provider
        self._lock = Lock()
        self._failures = 0
        self._began_at = 0.0

    def succeeded(self) -> None:
        """A call was answered. Logs the end of a time of failures."""
        with self._lock:
            failures, self._failures = self._failures, 0
        if failures >= _FAILURES_IN_A_ROW:
            seconds = round(time.monotonic() - self._began_at, 1)
            log.warning("account_works_again", provider=self._provider, failures=failures, seconds=seconds)

    def failed(self, error: ProviderError) -> None:
        """A call failed. Logs the beginning of a time of failures.

        A refused order and absent work are answers of a vendor that works. A rate limit counts as nothing.
        """
        match error:
            case ProviderRejected() | ProviderModelGone() | ProviderWorkAbsent():
                return self.succeeded()
            case ProviderRateLimited():
                return None
        with self._lock:
            self._failures += 1
            if self._failures == 1:
                self._began_at = time.monotonic()
            is_news = self._failures == _FAILURES_IN_A_ROW
        if is_news:
            log.warning("account_failing", provider=self._provider, code=error.code, reason=error.message)
        return None
