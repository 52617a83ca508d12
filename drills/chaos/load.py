"""Customers who order over both doors, send again after an error, and sometimes cancel."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from kombu.exceptions import OperationalError
from pydantic import BaseModel, JsonValue
from redis.exceptions import RedisError

from drills.chaos.customers import Customer
from drills.chaos.listeners.endpoints import callback_url
from drills.chaos.plans.orders import Door, PlannedOrder
from drills.chaos.system import System
from drills.door.clients import Clients
from stack.http import shared_client

_SENDERS = 48
_ANSWER_SECONDS = 10.0
_AGAIN_AFTER_SECONDS = 0.5
_LOOK_EVERY_SECONDS = 0.1
# Every outage ends within seconds: a client that is refused for longer is refused for good.
_PATIENCE_SECONDS = 120.0


@dataclass
class Tally:
    """The customers' record of a run."""

    accepted: dict[int, UUID] = field(default_factory=dict)
    """The promised generation of each accepted order, by the order's number."""
    refused: Counter[str] = field(default_factory=Counter)
    """Refused orders, by reason."""
    sent_again: Counter[str] = field(default_factory=Counter)
    """Orders sent again, by reason."""
    cancels: Counter[str] = field(default_factory=Counter)
    """Answers to cancels, by status."""
    given_up: list[int] = field(default_factory=list)
    """Orders that no attempt delivered."""
    strange: list[str] = field(default_factory=list)
    """Answers that break a promise of a door."""


class _Accepted(BaseModel):
    id: UUID


class Load:
    """Sends the planned orders, each at its time."""

    def __init__(
        self, system: System, orders: Sequence[PlannedOrder], who: Sequence[Customer], *, deadline_seconds: int
    ) -> None:
        self.tally = Tally()
        self._system = system
        self._orders = orders
        self._customers = who
        self._deadline_seconds = deadline_seconds
        self._http = shared_client(system.gateway_url, seconds=_ANSWER_SECONDS)
        self._clients = Clients(system.direct.redis_url)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(_SENDERS, thread_name_prefix="customer")
        self._futures: list[Future[None]] = []
        self._scheduler = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self, began: float) -> None:
        """Start. `began` is the `time.monotonic()` of the load's beginning."""
        self._began = began
        self._scheduler.start()

    def is_running(self) -> bool:
        """Whether orders are planned or unanswered."""
        return self._scheduler.is_alive() or not all(future.done() for future in list(self._futures))

    def finish(self) -> None:
        """Wait until every order is accepted or refused.

        Raises:
            Exception: an error in the load itself.
        """
        self._scheduler.join()
        self._pool.shutdown()
        self._http.close()
        self._clients.close()
        for future in self._futures:
            future.result()

    def abandon(self) -> None:
        """Send no further order."""
        self._stop.set()

    def _run(self) -> None:
        for order in self._orders:
            if self._stop.wait(max(0.0, self._began + order.at - time.monotonic())):
                return
            self._futures.append(self._pool.submit(self._place, order))

    def _place(self, order: PlannedOrder) -> None:
        scenario = order.scenario()
        if scenario is not None:
            self._system.sandbox.add_scenario(scenario)
        send = self._over_redis if order.door is Door.REDIS else self._over_http
        generation_id = send(order)
        if generation_id is None:
            return
        if order.is_repeated:
            send(order)
        if order.cancel_after is not None:
            time.sleep(order.cancel_after)
            self._cancel(order, generation_id)

    def _over_http(self, order: PlannedOrder) -> UUID | None:
        """Send an order until it is accepted or refused, as a client must."""
        for _ in self._patiently():
            answer = self._post("/v1/generations", order, body=self._request(order))
            if isinstance(answer, str):
                self._count_again(answer)
            elif answer.status_code == httpx.codes.ACCEPTED:
                return self._accept(order, _Accepted.model_validate_json(answer.content).id)
            elif answer.status_code == httpx.codes.PAYMENT_REQUIRED:
                self._refuse(_named(answer))
                return None
            else:
                self._count_again(_named(answer))
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    self._wonder(f"{order.key} was answered with {_named(answer)}")
        self._give_up(order)
        return None

    def _request(self, order: PlannedOrder) -> dict[str, JsonValue]:
        return order.request(self._deadline_seconds, callback_url(self._system, order.customer))

    def _accept(self, order: PlannedOrder, generation_id: UUID) -> UUID:
        with self._lock:
            first = self.tally.accepted.setdefault(order.number, generation_id)
        if first != generation_id:
            self._wonder(f"{order.key} was accepted as {first} and again as {generation_id}")
        return first

    def _cancel(self, order: PlannedOrder, generation_id: UUID) -> None:
        for _ in self._patiently():
            answer = self._post(f"/v1/generations/{generation_id}/cancel", order)
            if isinstance(answer, httpx.Response) and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                with self._lock:
                    self.tally.cancels[_named(answer)] += 1
                if answer.status_code not in {200, 202, 409}:
                    self._wonder(f"cancelling {generation_id} was answered with {_named(answer)}")
                return

    def _post(self, path: str, order: PlannedOrder, *, body: object = None) -> httpx.Response | str:
        """The answer, or the reason for a missing answer."""
        headers = {
            "Authorization": f"Bearer {self._customers[order.customer].api_key}",
            **({"Idempotency-Key": order.key} if body is not None else {}),
        }
        try:
            return self._http.post(path, json=body, headers=headers)
        except httpx.TransportError as error:
            return type(error).__name__

    def _over_redis(self, order: PlannedOrder) -> UUID | None:
        """Send an order until it is accepted or refused: Redis may lose the order or the answer."""
        for _ in self._patiently():
            answer = self._ask(order)
            if isinstance(answer, str):
                self._count_again(f"Redis: {answer}")
            elif "error" not in answer:
                return self._accept(order, UUID(answer["id"]))
            elif answer["error"]["status"] == httpx.codes.PAYMENT_REQUIRED:
                self._refuse(f"Redis: {answer['error']['status']}")
                return None
            else:
                self._count_again(f"Redis: {answer['error']['status']}")
                if answer["error"]["status"] != httpx.codes.SERVICE_UNAVAILABLE:
                    self._wonder(f"{order.key} was answered over Redis with {answer['error']}")
        self._give_up(order)
        return None

    def _ask(self, order: PlannedOrder) -> Mapping[str, Any] | str:
        """The answer of the Redis door, or the reason for a missing answer."""
        arguments: dict[str, JsonValue] = {
            "customer_id": str(self._customers[order.customer].id),
            "request": self._request(order),
            "idempotency_key": order.key,
        }
        give_up_at = time.monotonic() + _ANSWER_SECONDS
        try:
            message_id = self._clients.send(order.form, arguments)
            while (answer := self._clients.answer(order.form, message_id)) is None:
                if time.monotonic() > give_up_at:
                    return "no answer"
                time.sleep(_LOOK_EVERY_SECONDS)
        except (OperationalError, RedisError, OSError) as error:
            return type(error).__name__
        return answer

    def _patiently(self) -> Iterator[None]:
        """Try again with pauses until the time is over."""
        hopeless_at = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < hopeless_at and not self._stop.is_set():
            yield
            self._stop.wait(_AGAIN_AFTER_SECONDS)

    def _refuse(self, why: str) -> None:
        with self._lock:
            self.tally.refused[why] += 1

    def _give_up(self, order: PlannedOrder) -> None:
        with self._lock:
            self.tally.given_up.append(order.number)

    def _count_again(self, why: str) -> None:
        with self._lock:
            self.tally.sent_again[why] += 1

    def _wonder(self, what: str) -> None:
        with self._lock:
            self.tally.strange.append(what)


def _named(answer: httpx.Response) -> str:
    return f"HTTP {answer.status_code}"
