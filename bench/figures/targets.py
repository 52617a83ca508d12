"""What the figures should be, on two cores with everything on them, and whether they are.

A target looks at medians over the rounds. What Reelworks did in a run with problems is no figure; what a peer did is.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

from bench.figures.results import Outcome
from bench.load import sandbox_alone
from bench.scenarios import calls, overhead, throughput
from bench.subjects.reelworks import NAME as REELWORKS

Find = Callable[[Sequence[Outcome]], float | None]
"""The figure that a target is about; None where it was not measured."""


class Verdict(StrEnum):
    """What became of a target."""

    MET = "met"
    MISSED = "MISSED"
    NOT_MEASURED = "not measured"


class Judgement(BaseModel):
    """A target, and what was found."""

    what: str
    wanted: str
    found: str
    verdict: Verdict


@dataclass(frozen=True)
class Target:
    """A bound on one figure: `at_least`, `at_most` or `below`, in `unit`."""

    what: str
    find: Find
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None

    def judge(self, outcomes: Sequence[Outcome]) -> Judgement:
        """Compare it with what was measured."""
        figure = self.find(outcomes)
        if figure is None:
            return Judgement(what=self.what, wanted=self.wanted, found="-", verdict=Verdict.NOT_MEASURED)
        verdict = Verdict.MET if self._holds(figure) else Verdict.MISSED
        return Judgement(
            what=self.what, wanted=self.wanted, found=f"{figure:.3g} {self.unit}".rstrip(), verdict=verdict
        )

    @property
    def wanted(self) -> str:
        """The bound, in words."""
        bounds = (("≥", self.at_least), ("≤", self.at_most), ("<", self.below))
        return " and ".join(f"{sign} {bound:g} {self.unit}".rstrip() for sign, bound in bounds if bound is not None)

    def _holds(self, figure: float) -> bool:
        return (
            (self.at_least is None or figure >= self.at_least)
            and (self.at_most is None or figure <= self.at_most)
            and (self.below is None or figure < self.below)
        )


def medians(
    outcomes: Iterable[Outcome],
    scenario: str,
    what: str,
    *,
    case: str = "",
    of: Callable[[str], bool] = REELWORKS.__eq__,
) -> list[float]:
    """The medians of a measure over the cases whose name begins so, of the subjects that are meant."""
    return [
        measure.median
        for outcome in outcomes
        if outcome.scenario == scenario and outcome.case.startswith(case) and of(outcome.subject)
        if not (outcome.problems and outcome.subject == REELWORKS)
        for measure in outcome.measures
        if measure.what == what
    ]


def highest(scenario: str, what: str, *, case: str = "") -> Find:
    """The largest median of Reelworks over the cases whose name begins so."""
    return lambda outcomes: max(medians(outcomes, scenario, what, case=case), default=None)


def times_others(scenario: str, what: str, *, case: str, others: Callable[[str], bool]) -> Find:
    """How many times the best of the others Reelworks is: our best such case against theirs of all cases."""

    def find(outcomes: Sequence[Outcome]) -> float | None:
        ours = max(medians(outcomes, scenario, what, case=case), default=None)
        theirs = max(medians(outcomes, scenario, what, of=others), default=None)
        return ours / theirs if ours is not None and theirs else None

    return find


def _is_peer(subject: str) -> bool:
    return not subject.startswith(REELWORKS) and subject != sandbox_alone.SUBJECT


TARGETS = (
    Target(
        what="throughput, callback mode",
        find=highest(throughput.NAME, throughput.RATE, case="callback"),
        unit="generations/s",
        at_least=60,
    ),
    Target(
        what="throughput, callback mode, against the best peer",
        find=times_others(throughput.NAME, throughput.RATE, case="callback", others=_is_peer),
        unit="×",
        at_least=1.5,
    ),
    Target(
        what="callback arrival → completed, p50",
        find=highest(overhead.NAME, f"{overhead.COMPLETION} p50"),
        unit="ms",
        at_most=60,
    ),
    Target(
        what="callback arrival → completed, p99",
        find=highest(overhead.NAME, f"{overhead.COMPLETION} p99"),
        unit="ms",
        at_most=200,
    ),
    Target(
        what="POST → create at the provider, p50",
        find=highest(overhead.NAME, f"{overhead.ARRIVAL} p50"),
        unit="ms",
        at_most=30,
    ),
    Target(
        what="accept over HTTP, 20 in parallel, against LiteLLM per process",
        find=times_others("doors", "creates", case="HTTP", others=lambda subject: subject.startswith("LiteLLM")),
        unit="×",
        at_least=2,
    ),
    Target(
        what="1,000,000 waiting: growth of the process that grows most",
        find=highest("waiting", "most growth of a process", case="1,000,000"),
        unit="MiB",
        # A steady process moves by less: garbage that is not collected yet, pages that others shared and gave up.
        at_most=8,
    ),
    Target(
        what="1,000,000 waiting: the waker's share of a core",
        find=highest("waiting", "waker's process", case="1,000,000"),
        unit="%",
        below=5,
    ),
    Target(
        what="1,000,000 waiting: due → polled, p99",
        find=highest("waiting", "due → polled p99", case="1,000,000"),
        unit="s",
        at_most=2,
    ),
    Target(
        what="1 GB result: share of curl's throughput",
        find=highest("files", "share of curl's throughput", case="1 GB"),
        unit="%",
        at_least=70,
    ),
    Target(
        what="1 GB result: growth of the worker's memory",
        find=highest("files", "growth of the worker", case="1 GB"),
        unit="MiB",
        below=64,
    ),
    Target(
        what="provider calls per generation, callback mode",
        find=highest(calls.NAME, calls.CALLS, case="callback"),
        unit="",
        at_most=2,
    ),
)


def judge(outcomes: Sequence[Outcome]) -> list[Judgement]:
    """Every target, in the order of the table."""
    return [target.judge(outcomes) for target in TARGETS]
