"""The results of a run as data. Other modules print them as tables, store them as JSON, and draw plots."""

import statistics
from collections.abc import Sequence

from pydantic import BaseModel

GENERATIONS = "generations"
"""The measure with a case's number of generations. The use of each part is divided by it."""


class Measure(BaseModel):
    """One quantity, with a value for each round."""

    what: str
    """The name of the quantity."""
    unit: str
    """The unit. Empty for counts."""
    values: list[float]
    """A value for each round."""

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The smallest value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest value."""
        return max(self.values)


class PartUse(BaseModel):
    """The processor time and memory of a part: a process with its children."""

    part: str
    """The name of the part."""
    cpu_seconds: list[float]
    """CPU seconds in each round."""
    peak_mib: float
    """The most memory of all rounds, MiB."""


class Outcome(BaseModel):
    """The outcome of one subject in one case of a scenario, over all rounds."""

    scenario: str
    """The name of the scenario."""
    case: str
    """The name of the case."""
    subject: str
    """The name of the subject."""
    measures: list[Measure]
    """The measured quantities."""
    parts: list[PartUse] = []
    """The use of each part."""
    notes: list[str] = []
    """Remarks for the reader."""
    problems: list[str] = []
    """Errors of the subject. With an error, the figures mean nothing."""

    def measure(self, what: str) -> Measure:
        """The measure with this name.

        Raises:
            LookupError: there is no such measure.
        """
        for measure in self.measures:
            if measure.what == what:
                return measure
        raise LookupError(f"{self.scenario} {self.case} of {self.subject} has no {what!r}")


def over_rounds(rounds: Sequence[Outcome]) -> Outcome:
    """Merge the rounds of a case into one outcome.

    A round without measures failed: the outcome keeps the round's problems.
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
