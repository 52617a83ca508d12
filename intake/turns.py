"""The turn of an order: its key and flow, its right to the reserve, and its scheduled start."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from schemas.errors import InvalidRequest
from schemas.limits import Priority
from schemas.orders import Order
from schemas.tables import Generation

LONGEST_SCHEDULE: Final = timedelta(days=30)
"""The longest time from acceptance to a scheduled start."""


def in_turn(order: Order, *, key_id: UUID | None, may_use_reserve: bool) -> Order:
    """The order with its key and flow, and its right to the reserve. A start in the past is no schedule.

    The key is that whose limits hold: what one key's limits hold up is a flow that no other key's orders are in.

    Args:
        key_id: the API key of the order.
        may_use_reserve: whether the key has the scope for the reserve.

    Raises:
        InvalidRequest: the start is too far ahead.
    """
    not_before, now = order.not_before, datetime.now(UTC)
    if not_before is not None and not_before > now + LONGEST_SCHEDULE:
        text = f"must be at most {LONGEST_SCHEDULE.days} days ahead: it is {now:%Y-%m-%dT%H:%M:%SZ} now"
        raise InvalidRequest.of_fields([("not_before", text)])
    return order.model_copy(
        update={
            "key_id": key_id,
            "flow": None if key_id is None else str(key_id),
            "may_use_reserve": may_use_reserve and order.priority is Priority.HIGH,
            "not_before": None if not_before is None or not_before <= now else not_before.astimezone(UTC),
        }
    )


def is_scheduled(generation: Generation) -> bool:
    """Whether a new generation waits for its scheduled start."""
    return generation.order.get("not_before") is not None
