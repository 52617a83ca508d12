"""`python -m bench.polls`: the reads of a generation in poll mode, and the delay until its end is seen, by arithmetic.

Compares the polls without usual times, those with usual times, and the best that could be: the times of reading that
cost least, found by dynamic programming over the known times of the work.

Then the use of a full account whose vendor asks for a gap between two reads: a place stays empty from the end of the
work until our read.
"""

import random
import statistics
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from rich.console import Console
from rich.table import Table

from schemas.setting_groups import PipelineSettings
from storage.render_times import RenderTimes
from tasks.timing import next_poll

_RUNS = 400
_SEED = 7
# Half of the work takes within a tenth of the usual time.
_SIGMA = 0.15
_USUAL_SECONDS = (4.0, 60.0, 240.0)
_SLOTS = 400
# Runway asks for so much.
_LEAST_GAP_SECONDS = 5.0
_LENGTHS = (8.0, 15.0, 30.0, 45.0, 60.0, 90.0, 120.0)
# Sums of gaps differ from the moments by rounding.
_EQUAL = 1e-6

Cost = tuple[float, float]
"""The mean number of reads, and the mean delay in seconds."""


def work(usual_seconds: float) -> list[float]:
    """The times of some work, sorted."""
    rng = random.Random(_SEED)
    return sorted(usual_seconds * rng.lognormvariate(0, _SIGMA) for _ in range(_RUNS))


def polled(times: Sequence[float], gap_after: Callable[[float], float]) -> Cost:
    """Poll work of these times. `gap_after` gives the gap after so many seconds."""
    return _mean([_until_seen(taken, gap_after) for taken in times])


def _until_seen(taken: float, gap_after: Callable[[float], float]) -> Cost:
    at, reads = 0.0, 0
    while at < taken - _EQUAL:
        at += gap_after(at)
        reads += 1
    return reads, at - taken


def best(times: Sequence[float], read_costs: float, *, least_gap: float = 0.0) -> Cost:
    """The fixed times of reading for which the reads and the delay together cost least.

    Args:
        least_gap: the seconds that the vendor wants between two reads.
    """
    grid = [times[0] + (times[-1] - times[0]) * slot / _SLOTS for slot in range(_SLOTS + 1)]
    done = [sum(taken <= at for taken in times) for at in grid]
    sums = [0.0, *accumulate(times)]

    def cost(before: int, slot: int) -> float:
        """Of one more read: for all that are not done, and the delay of those that were done since the read before."""
        first = done[before] if before >= 0 else 0
        delay = (done[slot] - first) * grid[slot] - (sums[done[slot]] - sums[first])
        return read_costs * (len(times) - first) + delay

    costs: list[tuple[float, int]] = []
    for slot in range(len(grid)):
        earlier = (before for before in range(slot) if grid[slot] - grid[before] >= least_gap)
        options = [(cost(-1, slot), -1), *((costs[before][0] + cost(before, slot), before) for before in earlier)]
        costs.append(min(options))
    reads_at = [slot := len(grid) - 1]
    while (slot := costs[slot][1]) >= 0:
        reads_at.append(slot)
    moments = [grid[slot] for slot in reversed(reads_at)]
    return polled(times, lambda at: moments[bisect_right(moments, at + _EQUAL)] - at)


def _mean(costs: Sequence[Cost]) -> Cost:
    return statistics.mean(reads for reads, _ in costs), statistics.mean(delay for _, delay in costs)


def compared(pipeline: PipelineSettings, usual_seconds: float) -> tuple[Cost, Cost, Cost]:
    """The costs without usual times, with usual times, and the best."""
    times = work(usual_seconds)
    tenths = statistics.quantiles(times, n=10)
    usual = RenderTimes(tenths[0], tenths[-1])

    def gaps(known: RenderTimes | None) -> Callable[[float], float]:
        return lambda at: next_poll(pipeline, waited_seconds=at, has_callback=False, usual=known)

    return polled(times, gaps(None)), polled(times, gaps(usual)), best(times, pipeline.poll_read_costs_seconds)


def uses(pipeline: PipelineSettings, usual_seconds: float, *, least_gap: float) -> tuple[float, float]:
    """The used part of a full account: by our polls while other work waits, and by the best times of reading."""
    times = work(usual_seconds)
    tenths = statistics.quantiles(times, n=10)
    usual = RenderTimes(tenths[0], tenths[-1])

    def gap(at: float) -> float:
        return next_poll(
            pipeline, waited_seconds=at, has_callback=False, usual=usual, least_seconds=least_gap, is_awaited=True
        )

    busy = statistics.mean(times)
    _, ours = polled(times, gap)
    _, least = best(times, 0.0, least_gap=least_gap)
    return busy / (busy + ours), busy / (busy + least)


def main() -> None:
    """Print the comparisons."""
    random.seed(_SEED)
    table = Table("usual time", "reads, delay", "with usual times", "best", title="poll mode")
    for seconds in _USUAL_SECONDS:
        costs = compared(PipelineSettings(), seconds)
        table.add_row(f"{seconds:.0f} s", *(f"{reads:.1f} reads, {delay:.2f} s" for reads, delay in costs))
    Console().print(table)
    table = Table("usual time", "use", "best", title=f"a full account, {_LEAST_GAP_SECONDS:.0f} s between two reads")
    for seconds in _LENGTHS:
        ours, most = uses(PipelineSettings(), seconds, least_gap=_LEAST_GAP_SECONDS)
        table.add_row(f"{seconds:.0f} s", f"{ours:.0%}", f"{most:.0%}")
    Console().print(table)


if __name__ == "__main__":
    main()
