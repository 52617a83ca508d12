"""The table of an attack run, and its verdict.

An attack that only breaks a bound of time runs up to three times: the last run counts.
"""

import json
import math
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drills.hostile.probe import Probe
from drills.hostile.watch import Seen

MOST_HEALTH_MS = 250.0
MOST_MIB = 400.0
MOST_DECODER_MIB = 700.0
MOST_TIMES_USUAL = 2.0


@dataclass(frozen=True)
class Result:
    """One attack, and what others noticed of it."""

    probe: Probe
    """The attack."""
    answer: str
    """What the attacker saw."""
    seen: Seen
    """The measurements during the attack."""
    order_seconds: float = 0.0
    """The time of an honest order beside the attack."""
    usual_seconds: float = 0.0
    """The time of an honest order without an attack."""

    def breaches(self, *, with_times: bool) -> list[str]:
        """The bounds that the system broke. Times depend on the machine and its other work."""
        wrong = self.probe.breach(self.answer)
        lost = ["an honest order did not complete"] if math.isinf(self.order_seconds) else []
        times = self._of_times() if with_times else []
        return [*([wrong] if wrong else []), *lost, *self._of_processes(), *times]

    @property
    def is_only_slow(self) -> bool:
        """Whether times are over their bounds, and nothing else is."""
        return bool(self._of_times()) and not self.breaches(with_times=False)

    def _of_processes(self) -> list[str]:
        found = [f"{name} {mib:.0f} MiB" for name, mib in self.seen.peak_mib.items() if mib > _most_mib(name)]
        return found + [f"{name} ended" for name in self.seen.ended]

    def _of_times(self) -> list[str]:
        found: list[str] = []
        if self.seen.worst_health_ms > MOST_HEALTH_MS:
            found.append(f"/healthz {self.seen.worst_health_ms:.0f} ms")
        if self.seen.unhealthy:
            found.append(f"{self.seen.unhealthy} times no /healthz")
        if MOST_TIMES_USUAL * self.usual_seconds < self.order_seconds < math.inf:
            found.append(f"an honest order {self.order_seconds:.1f} s")
        return found


def _most_mib(name: str) -> float:
    """The limit of a process. A decoder's memory is limited by `REELWORKS_MEDIA__MEMORY_BYTES`."""
    return MOST_DECODER_MIB if name.endswith("decoder") else MOST_MIB


def as_json(results: list[Result], *, with_times: bool) -> str:
    """The breaches of each attack."""
    return json.dumps({result.probe.title: result.breaches(with_times=with_times) for result in results})


def show(results: list[Result], console: Console, *, with_times: bool = True) -> bool:
    """Print the tables. Returns whether no bound was broken."""
    broken = [result for result in results if result.breaches(with_times=with_times)]
    console.print(_attacks(results, with_times=with_times))
    console.print(_memory(results))
    # A narrow terminal cuts the columns of the table.
    for result in broken:
        found = escape(", ".join(result.breaches(with_times=with_times)))
        console.print(f"[red]breach[/red] {escape(result.probe.title)}: {found}", soft_wrap=True)
    slowest = max(results, key=lambda result: result.seen.worst_health_ms)
    latest = max(results, key=lambda result: result.order_seconds)
    console.print(
        f"{len(results)} attacks, {len(broken)} with a breach; worst /healthz {slowest.seen.worst_health_ms:.0f} ms "
        f"({escape(slowest.probe.title)}); slowest honest order {latest.order_seconds:.2f} s "
        f"({escape(latest.probe.title)}), usually {latest.usual_seconds:.2f} s",
        soft_wrap=True,
    )
    return not broken


def _attacks(results: list[Result], *, with_times: bool) -> Table:
    table = Table(title="attacks")
    for column, width in (("door", 10), ("sent", 60), ("answer", 40), ("health ms", 9), ("MiB", 4), ("order s", 7)):
        table.add_column(column, no_wrap=True, min_width=min(width, 20), max_width=width)
    table.add_column("breach", min_width=10)
    for result in results:
        table.add_row(
            result.probe.kind,
            escape(result.probe.name),
            escape(result.answer),
            f"{result.seen.worst_health_ms:.0f}",
            f"{max(result.seen.peak_mib.values(), default=0.0):.0f}",
            f"{result.order_seconds:.2f}",
            f"[red]{escape(', '.join(result.breaches(with_times=with_times)))}[/red]",
        )
    return table


def _memory(results: list[Result]) -> Table:
    table = Table("process", "peak MiB", "at most", "during", title="memory")
    for name in sorted({name for result in results for name in result.seen.peak_mib}):
        worst = max(results, key=lambda result: result.seen.peak_mib.get(name, 0.0))
        table.add_row(name, f"{worst.seen.peak_mib[name]:.0f}", f"{_most_mib(name):.0f}", escape(worst.probe.title))
    return table
