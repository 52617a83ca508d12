"""The pauses between polls, after failures and during outages."""

import random

from schemas.setting_groups import PipelineSettings

FIRST_LOOK_UP_SECONDS = 2.0
"""The pause before the first look-up of a create whose result is unknown."""

_EAGER_SECONDS = 30.0


def next_poll(
    pipeline: PipelineSettings, *, waited_seconds: float, has_callback: bool, least_seconds: float = 0.0
) -> float:
    """Seconds until the next poll of a generation that the provider has had for `waited_seconds`.

    With a callback due, polling is a safety net. Without a callback, polls are frequent for half a minute; then the gap
    grows with the age of the work, up to the cap. The gap is at least the provider's minimum, `least_seconds`.
    """
    if has_callback:
        gap = pipeline.poll_with_callback_seconds
    elif waited_seconds < _EAGER_SECONDS:
        gap = pipeline.poll_first_seconds
    else:
        gap = min(pipeline.poll_cap_seconds, max(pipeline.poll_first_seconds, waited_seconds / 6))
    return max(least_seconds, gap)


def backoff(pipeline: PipelineSettings, failures: int, *, at_least: float | None = None) -> float:
    """Seconds until the next try after this number of failures: a doubling, capped pause, minus up to half as jitter.

    `at_least` is the minimum that the vendor asked for.
    """
    # The exponent is capped because 2.0 ** 1100 is an OverflowError, and outages can be long.
    gap = min(pipeline.backoff_cap_seconds, pipeline.backoff_base_seconds * 2.0 ** min(failures, 32))
    return max(_jittered(gap), at_least or 0.0)


def outage_pause(pipeline: PipelineSettings, *, at_least: float | None = None) -> float:
    """Seconds until the next try during an outage. `at_least` is the minimum that the vendor asked for."""
    return max(_jittered(pipeline.outage_pause_seconds), at_least or 0.0)


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 -- spreading retries needs no secrecy
