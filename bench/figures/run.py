"""A run of the bench, as it is kept."""

from datetime import datetime

from pydantic import BaseModel, computed_field

from bench.figures.results import Outcome
from bench.figures.targets import Judgement, judge
from bench.instruments.machine import Machine


class Run(BaseModel):
    """What was measured, where, when, and what it means for the targets."""

    machine: Machine
    began_at: datetime
    seconds: float = 0
    rounds: int
    is_quick: bool
    """Too small to say anything about speed."""
    outcomes: list[Outcome] = []
    failures: dict[str, str] = {}
    """Scenarios that could not be measured, and why."""

    @computed_field  # type: ignore[prop-decorator]  # as pydantic documents it for mypy
    @property
    def targets(self) -> list[Judgement]:
        """Every target, judged by these outcomes."""
        return judge(self.outcomes)

    @property
    def scenarios(self) -> list[str]:
        """Those that have outcomes, in order."""
        return list(dict.fromkeys(outcome.scenario for outcome in self.outcomes))

    def of(self, scenario: str) -> list[Outcome]:
        """The outcomes of one scenario."""
        return [outcome for outcome in self.outcomes if outcome.scenario == scenario]
