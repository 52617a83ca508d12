"""The account at Kie: its key, its credits and its rate limits."""

import hmac

from sandbox.config import SandboxConfig
from sandbox.sliding_window import SlidingWindow
from sandbox.slots import Slots
from sandbox.vendors.kie.errors import KieError


class KieAccount:
    """Checks key, credits and limits with Kie's errors. Limits: https://docs.kie.ai (20 creates in 10 s)."""

    def __init__(self, config: SandboxConfig) -> None:
        self._key = config.api_key
        self.credits = config.kie_credits
        self.slots = Slots(config.kie_concurrency)
        self.creates = SlidingWindow(config.kie_creates_per_10_seconds, 10)
        self.adopted_prefix: str | None = None
        """A prefix of ids. Such ids are tasks without a create."""
        self.reads = SlidingWindow(config.kie_reads_per_second, 1)

    def authorize(self, authorization: str | None) -> None:
        """Raise `KieError` 401 unless the header carries the account's key."""
        if not hmac.compare_digest((authorization or "").encode(), f"Bearer {self._key}".encode()):
            raise KieError(401, "You do not have access permissions")

    def admit_create(self) -> None:
        """Raise `KieError` 429 beyond the limit on creates. Kie does not queue the excess."""
        if not self.creates.admit():
            raise KieError(429, "Your call frequency is too high. Try again later.")

    def admit_read(self) -> None:
        """Raise `KieError` 429 beyond the limit on status reads."""
        if not self.reads.admit():
            raise KieError(429, "Your call frequency is too high. Try again later.")

    def charge(self, credits_: float) -> None:
        """Take the price of a task at submission. Raises `KieError` 402 if the balance is too small."""
        if credits_ > self.credits:
            raise KieError(402, f"Credits insufficient: this task needs {credits_:g}, the account has {self.credits:g}")
        self.credits -= credits_

    def refund(self, credits_: float) -> None:
        """Return the price of a task that was not accepted."""
        self.credits += credits_
