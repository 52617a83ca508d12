"""The interface between the bench and its scenarios."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from bench.figures.results import Outcome


@dataclass(frozen=True)
class RunContext:
    """The settings of a run that all scenarios share."""

    console: Console
    """Prints progress and warnings."""
    folder: Path
    """For data and logs. The folder is deleted after the run."""
    rounds: int
    """How often each case is measured. The rounds of different cases alternate."""
    quick: bool
    """Whether the run is small and only shows that everything works. Its figures say little."""
    peers: bool = True
    """Whether to measure the peers."""
    vendor: str | None = None
    """The only vendor of the scenarios that have several. None: all of them."""
    orders: int | None = None
    """The number of orders, for the scenarios that take one. None: the scenario's own."""
    work_seconds: float | None = None
    """The mean time at the vendor, for the scenarios that take one. None: the scenario's own."""
    faults: bool = False
    """Whether to break the system meanwhile, for the scenarios that can."""


class Scenario(Protocol):
    """One question that the bench answers with figures."""

    @property
    def name(self) -> str:
        """The name on the command line and in outcomes."""

    def measure(self, context: RunContext) -> list[Outcome]:
        """Measure every case in every round. Returns one outcome for each case and subject, over all rounds."""
