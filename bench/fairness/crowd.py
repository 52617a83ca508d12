"""Places the planned orders of all customers, each at its time."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
from pydantic import JsonValue

from bench.fairness.orders import PlannedOrder

_SENDERS = 8
_PATIENCE_SECONDS = 60.0
_AGAIN_AFTER_SECONDS = 0.5


class Crowd:
    """The customers."""

    def __init__(self, gateway_url: str, keys: Sequence[str], order: Mapping[str, JsonValue]) -> None:
        """The customers with these API keys, by their numbers.

        Args:
            order: the request, without its prompt.
        """
        self._http = httpx.Client(base_url=gateway_url, timeout=30, trust_env=False)
        self._keys = keys
        self._order = order

    def place(self, orders: Sequence[PlannedOrder]) -> dict[int, float]:
        """Place the orders. Returns the time at which each was accepted, Unix seconds.

        Raises:
            httpx.HTTPStatusError: an order was refused.
        """
        began = time.monotonic()
        with self._http, ThreadPoolExecutor(_SENDERS) as senders:
            placed = []
            for order in orders:
                time.sleep(max(0.0, began + order.at - time.monotonic()))
                placed.append((order.number, senders.submit(self._place, order)))
            return {number: accepted.result() for number, accepted in placed}

    def _place(self, order: PlannedOrder) -> float:
        headers = {
            "Authorization": f"Bearer {self._keys[order.customer]}",
            "Idempotency-Key": f"order-{order.number}",
        }
        hopeless_at = time.monotonic() + _PATIENCE_SECONDS
        while True:
            answer = self._http.post("/v1/generations", json={**self._order, "prompt": order.prompt}, headers=headers)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > hopeless_at:
                answer.raise_for_status()
                return time.time()
            time.sleep(_AGAIN_AFTER_SECONDS)
