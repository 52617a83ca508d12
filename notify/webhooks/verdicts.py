"""Decides what follows a try: the message is delivered, is tried again, or is given up."""

import random
from collections.abc import Sequence
from http import HTTPStatus

from notify.webhooks.sender import Try
from schemas.webhooks import DeliveryState
from storage.webhooks.sending import Claimed, Tried

_JITTER = 0.2
"""The most by which a gap is longer or shorter, as a part of the gap."""


def verdict(claimed: Claimed, made: Try, gaps: Sequence[float]) -> Tried:
    """The result of a try, to be recorded.

    Args:
        gaps: the seconds between the tries. After one more try than gaps, the message failed.
    """
    is_gone = made.status == HTTPStatus.GONE
    if made.error is None:
        state, wait = DeliveryState.DELIVERED, None
    elif is_gone:
        state, wait = DeliveryState.DROPPED, None
    elif claimed.tries > len(gaps):
        state, wait = DeliveryState.FAILED, None
    else:
        state, wait = DeliveryState.PENDING, _wait(gaps[claimed.tries - 1], made.retry_after)
    return Tried(
        delivery_id=claimed.delivery_id,
        endpoint_id=claimed.endpoint_id,
        lease_until=claimed.lease_until,
        began_at=made.began_at,
        status=made.status,
        seconds=made.seconds,
        error=made.error,
        answer=made.answer,
        state=state,
        wait_seconds=wait,
        is_gone=is_gone,
    )


def _wait(gap: float, retry_after: float | None) -> float:
    """The seconds until the next try. The endpoint may lengthen the gap, and not shorten it."""
    jitter = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 -- spreads load
    return max(gap * jitter, retry_after or 0.0)
