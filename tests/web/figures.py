"""Figures of the page. A figure of time is printed and decides no test."""

from dataclasses import dataclass, field


@dataclass
class Figures:
    """What the tests measured."""

    lines: list[str] = field(default_factory=list)
    """One figure each, with its unit."""

    def tell(self, name: str, value: str) -> None:
        """Print a figure at the end of the run."""
        self.lines.append(f"{name}: {value}")
