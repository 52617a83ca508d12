"""A run of the bench as it is stored."""

from datetime import datetime

from pydantic import BaseModel, computed_field

from bench.figures.results import Outcome
from bench.figures.targets import Judgement, judge
from bench.instruments.machine import Machine


class Run(BaseModel):
    """The results of a run, with machine, time, and judged targets."""

    machine: Machine
    """The machine of the run."""
    began_at: datetime
    """The time of the run's start."""
    seconds: float = 0
    """The length of all measurements."""
    rounds: int
    """The number of rounds."""
    is_quick: bool
    """Whether the run was too small for statements about speed."""
    outcomes: list[Outcome] = []
    """The outcomes of all scenarios."""
    failures: dict[str, str] = {}
    """The scenarios that failed, with the reason."""

    @computed_field  # type: ignore[prop-decorator]  # as pydantic documents it for mypy
    @property
    def targets(self) -> list[Judgement]:
        """Every target, judged with these outcomes."""
        return judge(self.outcomes)

    @property
    def scenarios(self) -> list[str]:
        """The scenarios with outcomes, in order."""
        return list(dict.fromkeys(outcome.scenario for outcome in self.outcomes))

    def of(self, scenario: str) -> list[Outcome]:
        """The outcomes of one scenario."""
        return [outcome for outcome in self.outcomes if outcome.scenario == scenario]
