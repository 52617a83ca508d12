"""The pauses between polls, after failures and during outages."""

import math
import random

from schemas.setting_groups import PipelineSettings
from storage.render_times import RenderTimes

FIRST_LOOK_UP_SECONDS = 2.0
"""The pause before the first look-up of a create whose result is unknown."""

_EAGER_SECONDS = 30.0
_LEAST_GAP_SECONDS = 1.0
# While other work waits for the place at the account, a late look leaves the place empty: a read is worth this part.
_AWAITED_READ_COSTS = 0.1
_LEAST_AWAITED_GAP_SECONDS = 0.4
# The earliest first look, as a part of the usual time.
_EARLIEST = 0.7
# Vendors send callbacks again for seconds. Our read then is rarely in vain.
_CALLBACK_TRAVELS_SECONDS = 5.0


def next_poll(
    pipeline: PipelineSettings,
    *,
    waited_seconds: float,
    has_callback: bool,
    usual: RenderTimes | None = None,
    least_seconds: float = 0.0,
    is_awaited: bool = False,
) -> float:
    """Seconds until the next poll of a generation that the provider has had for `waited_seconds`.

    Args:
        has_callback: a callback is due, so polling is a safety net.
        usual: the usual times of such work. None: too few runs are known.
        least_seconds: the provider's minimum.
        is_awaited: other work waits until this work's place at the account is free.
    """
    if has_callback:
        gap = _safety_gap(pipeline, waited_seconds, usual)
    elif usual is not None:
        gap = _usual_gap(pipeline, waited_seconds, usual, is_awaited=is_awaited)
    else:
        gap = _unknown_gap(pipeline, waited_seconds, is_awaited=is_awaited)
    return max(least_seconds, gap)


def _safety_gap(pipeline: PipelineSettings, waited: float, usual: RenderTimes | None) -> float:
    """Look once when nearly all such work is done: until then, a missing callback says little."""
    due = 0.0 if usual is None else usual.p90_seconds + _CALLBACK_TRAVELS_SECONDS - waited
    return min(due, pipeline.poll_with_callback_seconds) if due > 0 else pipeline.poll_with_callback_seconds


def _unknown_gap(pipeline: PipelineSettings, waited: float, *, is_awaited: bool) -> float:
    """Look less often, the longer the work takes. The gap follows the root of what a read costs, as in `_usual_gap`."""
    gap = waited / 6 if waited >= _EAGER_SECONDS else 0.0
    if is_awaited:
        gap *= math.sqrt(_AWAITED_READ_COSTS)
    return min(pipeline.poll_cap_seconds, max(pipeline.poll_first_seconds, gap))


def _usual_gap(pipeline: PipelineSettings, waited: float, usual: RenderTimes, *, is_awaited: bool) -> float:
    """Look when some of such work is done, and then at even gaps.

    A read costs as much as `poll_read_costs_seconds` of delay. Where the end may come at any moment of a spread of S
    seconds, gaps of g seconds cost S / g reads and g / 2 seconds: the sum is least at g = √(2 · cost · S).

    The usual times are those at which we looked. Looks at the same moment would hide each earlier end, and the next
    usual times would be later. So the first look is early by chance, and no look is far away.
    """
    spread = max(0.0, usual.p90_seconds - usual.p10_seconds)
    costs = pipeline.poll_read_costs_seconds * (_AWAITED_READ_COSTS if is_awaited else 1.0)
    gap = max(_LEAST_AWAITED_GAP_SECONDS if is_awaited else _LEAST_GAP_SECONDS, math.sqrt(2 * costs * spread))
    first = usual.p10_seconds + gap / 2
    if waited < _EARLIEST * first:
        early = first * random.uniform(_EARLIEST, 1.0)  # noqa: S311 -- spreading looks needs no secrecy
        return min(max(_LEAST_GAP_SECONDS, early - waited), pipeline.poll_with_callback_seconds)
    # Past the usual end, no time is likelier than another: the gap grows with the delay.
    late = max(0.0, waited - usual.p90_seconds)
    return min(pipeline.poll_cap_seconds, max(gap, late / 3))


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
