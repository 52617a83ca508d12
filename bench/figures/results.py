"""What a run of the bench found out, as data: printed as tables, kept as JSON, drawn as plots."""

import statistics
from collections.abc import Sequence

from pydantic import BaseModel

GENERATIONS = "generations"
"""The measure that says how many generations a case made, where it made any: what parts used is divided by it."""


class Measure(BaseModel):
    """One quantity, measured once in each round."""

    what: str
    unit: str
    values: list[float]

    @property
    def median(self) -> float:
        """Of the rounds."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The smallest of the rounds."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest of the rounds."""
        return max(self.values)


class PartUse(BaseModel):
    """What a part (a process with its children) used: CPU seconds in each round, and the most memory of any (MiB)."""

    part: str
    cpu_seconds: list[float]
    peak_mib: float


class Outcome(BaseModel):
    """What one subject did in one case of a scenario, over all rounds."""

    scenario: str
    case: str
    subject: str
    measures: list[Measure]
    parts: list[PartUse] = []
    notes: list[str] = []
    problems: list[str] = []
    """What went wrong, in words; then the figures mean nothing."""

    def measure(self, what: str) -> Measure:
        """The measure of this name.

        Raises:
            LookupError: there is none.
        """
        for measure in self.measures:
            if measure.what == what:
                return measure
        raise LookupError(f"{self.scenario} {self.case} of {self.subject} has no {what!r}")


def over_rounds(rounds: Sequence[Outcome]) -> Outcome:
    """The same case of the same subject, measured once in each of several rounds, as one outcome.

    A round without measures failed: it leaves its problems, and no figures.
    """
    problems = [problem for outcome in rounds for problem in outcome.problems]
    rounds = [outcome for outcome in rounds if outcome.measures] or rounds
    first = rounds[0]
    return first.model_copy(
        update={
            "measures": [
                measure.model_copy(
                    update={"values": [value for outcome in rounds for value in outcome.measure(measure.what).values]}
                )
                for measure in first.measures
            ],
            "parts": [_over_rounds(part.part, rounds) for part in first.parts],
            "notes": list(dict.fromkeys(note for outcome in rounds for note in outcome.notes)),
            "problems": problems,
        }
    )


def _over_rounds(name: str, rounds: Sequence[Outcome]) -> PartUse:
    uses = [part for outcome in rounds for part in outcome.parts if part.part == name]
    return PartUse(
        part=name,
        cpu_seconds=[seconds for use in uses for seconds in use.cpu_seconds],
        peak_mib=max(use.peak_mib for use in uses),
    )
