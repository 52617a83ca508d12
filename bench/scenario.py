"""What a scenario of the bench is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from bench.figures.results import Outcome


@dataclass(frozen=True)
class RunContext:
    """A run of the bench, as every scenario sees it."""

    console: Console
    folder: Path
    """For data and logs; gone with the run."""
    rounds: int
    """How often each case is measured, interleaved with the others."""
    quick: bool
    """Few and small: to see that everything works. The figures say little."""
    peers: bool = True
    """Whether the peers are measured, too."""


class Scenario(Protocol):
    """One question that the bench answers with figures."""

    @property
    def name(self) -> str:
        """As it is asked for, and as its outcomes are called."""

    def measure(self, context: RunContext) -> list[Outcome]:
        """Measure every case in every round; one outcome for each case and subject, over all rounds."""
