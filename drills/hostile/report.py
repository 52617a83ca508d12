"""The table of an attack run, and its verdict."""

from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from drills.hostile.probe import Probe
from drills.hostile.watch import Seen

MOST_HEALTH_MS = 250.0
MOST_MIB = 400.0
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
    order_seconds: float
    """The time of an honest order beside the attack."""
    usual_seconds: float
    """The time of an honest order without an attack."""

    @property
    def breaches(self) -> list[str]:
        """The bounds that the system broke."""
        found = [f"{part} {mib:.0f} MiB" for part, mib in self.seen.peak_mib.items() if mib > MOST_MIB]
        if self.seen.worst_health_ms > MOST_HEALTH_MS:
            found.append(f"/healthz {self.seen.worst_health_ms:.0f} ms")
        if self.seen.unhealthy:
            found.append(f"{self.seen.unhealthy} times no /healthz")
        if self.order_seconds > MOST_TIMES_USUAL * self.usual_seconds:
            found.append(f"an honest order {self.order_seconds:.1f} s")
        return found


def show(results: list[Result], console: Console) -> bool:
    """Print the table. Returns whether no bound was broken."""
    table = Table(title="attacks")
    for column, width in (("door", 10), ("sent", 60), ("answer", 22), ("health ms", 9), ("MiB", 4), ("order s", 7)):
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
            f"[red]{escape(', '.join(result.breaches))}[/red]",
        )
    console.print(table)
    broken = [result for result in results if result.breaches]
    worst = max(results, key=lambda result: result.seen.worst_health_ms)
    console.print(
        f"{len(results)} attacks, {len(broken)} with a breach; worst /healthz {worst.seen.worst_health_ms:.0f} ms "
        f"({escape(worst.probe.name)}); an honest order usually takes {worst.usual_seconds:.2f} s",
        soft_wrap=True,
    )
    return not broken
