"""How long to wait: between polls, after failures, during outages."""

import random

from schemas.settings import PipelineSettings

FIRST_LOOK_UP_SECONDS = 2.0
"""Until a create whose outcome nobody knows is looked for."""

_EAGER_SECONDS = 30.0


def next_poll(
    pipeline: PipelineSettings, *, waited_seconds: float, has_callback: bool, least_seconds: float = 0.0
) -> float:
    """Seconds until the next poll of a generation that the provider has had for `waited_seconds`.

    With a callback due, polling is only the safety net. Without one it is frequent for half a minute and then slows
    down with the age of the work, up to the cap. The provider itself is asked no more often than it wants to be.
    """
    if has_callback:
        gap = pipeline.poll_with_callback_seconds
    elif waited_seconds < _EAGER_SECONDS:
        gap = pipeline.poll_first_seconds
    else:
        gap = min(pipeline.poll_cap_seconds, max(pipeline.poll_first_seconds, waited_seconds / 6))
    return max(least_seconds, gap)


def backoff(pipeline: PipelineSettings, failures: int, *, at_least: float | None = None) -> float:
    """Seconds until the next try after so many failures: doubling, capped, with up to half of it jitter.

    `at_least` is what the other side asked for.
    """
    # The exponent is capped because 2.0 ** 1100 is an OverflowError, and outages can be long.
    gap = min(pipeline.backoff_cap_seconds, pipeline.backoff_base_seconds * 2.0 ** min(failures, 32))
    return max(_jittered(gap), at_least or 0.0)


def outage_pause(pipeline: PipelineSettings, *, at_least: float | None = None) -> float:
    """Seconds until something that was away is tried again; `at_least` is what it asked for."""
    return max(_jittered(pipeline.outage_pause_seconds), at_least or 0.0)


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 -- spreading retries needs no secrecy
