"""What follows a try of a message."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from notify.webhooks.sender import Try
from notify.webhooks.verdicts import verdict
from schemas.webhooks import DeliveryState
from storage.webhooks.sending import Claimed, Tried

GAPS = [5, 60]
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def after(made: Try, *, tries: int = 1) -> Tried:
    claimed = Claimed(
        delivery_id=uuid4(), endpoint_id=uuid4(), url="https://shop.example", secret="",
        earlier_secret=None, event_id=1, type="generation.completed", data=None, created_at=NOW, tries=tries,
        lease_until=NOW, generation_id=None, traceparent=None,
    )  # fmt: skip
    return verdict(claimed, made, GAPS)


def refused(status: int = 500, retry_after: float | None = None) -> Try:
    return Try(NOW, 0.1, status, error=f"status {status}", retry_after=retry_after)


def test_success_ends_the_delivery() -> None:
    result = after(Try(NOW, 0.1, 204))
    assert (result.state, result.wait_seconds) == (DeliveryState.DELIVERED, None)


@pytest.mark.parametrize(("tries", "gap"), [(1, 5), (2, 60)])
def test_failure_is_tried_again_after_the_gap_with_jitter(tries: int, gap: float) -> None:
    waits = [after(refused(), tries=tries).wait_seconds or 0 for _ in range(50)]
    assert gap * 0.8 <= min(waits) < max(waits) <= gap * 1.2


def test_last_failure_ends_the_delivery() -> None:
    assert after(refused(), tries=3).state is DeliveryState.FAILED


def test_gone_endpoint_ends_the_delivery_at_once() -> None:
    result = after(refused(410))
    assert (result.state, result.is_gone) == (DeliveryState.DROPPED, True)


def test_retry_after_lengthens_the_gap_and_never_shortens_it() -> None:
    assert after(refused(503, retry_after=600)).wait_seconds == 600
    assert (after(refused(429, retry_after=0)).wait_seconds or 0) >= 4
