"""Places and expected starts of generations before their provider accounts, for documents and estimates."""

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from uuid import UUID

from admission.forecast import Forecast
from schemas.enums import Stage
from schemas.limits import WHOLE_ACCOUNT, HeldBy, Place, RemoteWait
from schemas.names import ProviderName
from schemas.orders import Order, Route
from schemas.queue_api import QueuedModel, QueuePlace, QueueReason, QueueResource
from schemas.tables import Generation
from storage import admission_places
from storage.admission_places import Candidate, Outlook, Standing
from storage.quotas import end_of_day
from storage.sql import Sql

# Many customers ask about few accounts.
_FORECAST_LASTS_SECONDS = 1.0

_REASONS = {
    HeldBy.PAUSE: QueueReason.PAUSED,
    HeldBy.CUSTOMER: QueueReason.YOUR_LIMIT,
    HeldBy.ROUTE: QueueReason.PROVIDER_DOWN,
}

_NOT_BEGUN = frozenset({RemoteWait.QUEUED, RemoteWait.THROTTLED})


class Queues:
    """Reads places, and remembers the forecasts of accounts for a second. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forecasts: dict[ProviderName, tuple[float, Forecast | None]] = {}

    def place(self, sql: Sql, generation: Generation) -> QueuePlace | None:
        """Where a generation stands before its provider. None: the provider works on it, or is about to get it."""
        if generation.stage is not Stage.QUEUED:
            return vendor_place(generation)
        start = Order.model_validate(generation.order).not_before
        if start is not None and start > datetime.now(UTC):
            return QueuePlace(reason=QueueReason.SCHEDULED, ahead=None, estimated_start_at=start)
        return self.places(sql, [generation.id]).get(generation.id)

    def places(self, sql: Sql, ids: Sequence[UUID]) -> dict[UUID, QueuePlace]:
        """The places of generations. Leaves out those that never asked for a place, and those that have one."""
        found = admission_places.standings(sql, ids)
        return {one.generation_id: self._place(sql, one) for one in found if one.place is not Place.GRANTED}

    def of_customer(self, sql: Sql, customer_id: UUID) -> QueueResource:
        """A customer's unfinished generations, by model."""
        found = admission_places.of_customer(sql, customer_id)
        places = self.places(sql, [one.next_id for one in found if one.next_id is not None])
        return QueueResource(
            waiting=sum(one.waiting for one in found),
            in_flight=sum(one.in_flight for one in found),
            models=[
                QueuedModel(
                    model=one.model,
                    waiting=one.waiting,
                    in_flight=one.in_flight,
                    next=None if one.next_id is None else places.get(one.next_id),
                )
                for one in found
            ],
        )

    def waits(self, sql: Sql, customer_id: UUID, orders: Sequence[Order]) -> dict[str, float | None]:
        """The expected seconds until a provider gets each order, by model. None: not known, for example in a pause.

        An order takes the first of its routes that works, as a worker chooses (`admission.routes`).
        """
        candidates = [
            Candidate(order.model, route.provider, route.model, self._pool(sql, route))
            for order in orders
            for route in order.routes
        ]
        outlooks = admission_places.outlooks(sql, customer_id, candidates)
        found = groupby(zip(candidates, outlooks, strict=True), key=lambda pair: pair[0].model)
        return {model: self._wait(sql, list(pairs)) for model, pairs in found}

    def _wait(self, sql: Sql, routes: Sequence[tuple[Candidate, Outlook]]) -> float | None:
        able = [(one, outlook) for one, outlook in routes if not outlook.is_away]
        if not able:
            return None
        one, outlook = next((pair for pair in able if not pair[1].is_shut), able[0])
        if outlook.is_paused:
            return None
        forecast = self._forecast(sql, one.provider)
        if forecast is None:
            return 0.0
        return forecast.wait_seconds(one.pool, in_pool=outlook.ahead_in_pool, at_account=outlook.ahead_at_account)

    def _place(self, sql: Sql, one: Standing) -> QueuePlace:
        reason = None if one.held_by is None else _REASONS.get(one.held_by)
        if reason is not None:
            day_ends_at = end_of_day(datetime.now(UTC)) if one.waits_for_the_day else None
            return QueuePlace(reason=reason, ahead=None, estimated_start_at=day_ends_at)
        forecast = self._forecast(sql, one.provider)
        seconds = None
        if forecast is not None:
            seconds = forecast.wait_seconds(
                one.pool, in_pool=one.ahead_in_pool, at_account=one.ahead_at_account,
                may_use_reserve=one.may_use_reserve,
            )  # fmt: skip
        start = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
        return QueuePlace(reason=QueueReason.CAPACITY, ahead=one.ahead_at_account, estimated_start_at=start)

    def _pool(self, sql: Sql, route: Route) -> str:
        forecast = self._forecast(sql, route.provider)
        return WHOLE_ACCOUNT if forecast is None else forecast.limits.pool_of(route.model)

    def _forecast(self, sql: Sql, provider: ProviderName) -> Forecast | None:
        """The forecast of an account, of the last second. None: the account has never had limits or a queue."""
        now = time.monotonic()
        with self._lock:
            known = self._forecasts.get(provider)
        if known is not None and now < known[0]:
            return known[1]
        facts = admission_places.facts(sql, provider)
        forecast = None if facts is None else Forecast(facts)
        with self._lock:
            self._forecasts[provider] = now + _FORECAST_LASTS_SECONDS, forecast
        return forecast


def vendor_place(generation: Generation) -> QueuePlace | None:
    """Where a generation stands in the vendor's own queue. None: the vendor works on it, or does not say."""
    if generation.stage is not Stage.GENERATING or generation.remote_wait not in _NOT_BEGUN:
        return None
    return QueuePlace(reason=QueueReason.VENDOR_QUEUE, ahead=generation.remote_ahead, estimated_start_at=None)
