"""The targets for the figures, on two cores that run everything, and their verdicts.

A target judges the median of the rounds. Reelworks' figures do not count if its run had problems; a peer's do.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

from bench.figures.results import Outcome
from bench.load import sandbox_alone
from bench.scenarios import calls, lists, overhead, streams, throughput, webhooks
from bench.subjects.reelworks import NAME as REELWORKS

Find = Callable[[Sequence[Outcome]], float | None]
"""Finds the figure of a target. None if it was not measured."""


class Verdict(StrEnum):
    """The verdict on a target."""

    MET = "met"
    MISSED = "MISSED"
    NOT_MEASURED = "not measured"


class Judgement(BaseModel):
    """A target with the measured figure."""

    what: str
    """The name of the figure."""
    wanted: str
    """The bound, as text."""
    found: str
    """The measured figure, as text."""
    verdict: Verdict
    """The verdict."""


@dataclass(frozen=True)
class Target:
    """A bound on one figure: `at_least`, `at_most` or `below`, in `unit`."""

    what: str
    """The name of the figure."""
    find: Find
    """Finds the figure."""
    unit: str
    """The unit of figure and bounds."""
    at_least: float | None = None
    """The smallest allowed figure."""
    at_most: float | None = None
    """The largest allowed figure."""
    below: float | None = None
    """All allowed figures are below this."""

    def judge(self, outcomes: Sequence[Outcome]) -> Judgement:
        """Compare the target with the outcomes."""
        figure = self.find(outcomes)
        if figure is None:
            return Judgement(what=self.what, wanted=self.wanted, found="-", verdict=Verdict.NOT_MEASURED)
        verdict = Verdict.MET if self._holds(figure) else Verdict.MISSED
        return Judgement(
            what=self.what, wanted=self.wanted, found=f"{figure:.3g} {self.unit}".rstrip(), verdict=verdict
        )

    @property
    def wanted(self) -> str:
        """The bound, as text."""
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
    """The medians of a measure, for cases with this prefix and for the chosen subjects."""
    return [
        measure.median
        for outcome in outcomes
        if outcome.scenario == scenario and outcome.case.startswith(case) and of(outcome.subject)
        if not (outcome.problems and outcome.subject == REELWORKS)
        for measure in outcome.measures
        if measure.what == what
    ]


def highest(scenario: str, what: str, *, case: str = "") -> Find:
    """The largest median of Reelworks, over the cases with this prefix."""
    return lambda outcomes: max(medians(outcomes, scenario, what, case=case), default=None)


def times_others(scenario: str, what: str, *, case: str, others: Callable[[str], bool]) -> Find:
    """The ratio of Reelworks' best case with this prefix to the others' best case."""

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
        # A steady process varies by less: garbage that is not yet collected, pages that other processes shared and
        # released.
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
        what="list of 1,000,000 generations, any filter, p99",
        find=highest(lists.NAME, f"{lists.ANSWER} p99"),
        unit="ms",
        at_most=50,
    ),
    Target(
        what="list of 1,000,000 generations, any filter: rows read for 20 entries",
        find=highest(lists.NAME, lists.READ),
        unit="",
        at_most=400,
    ),
    Target(
        what="2,000 subscribers: commit → subscriber, p99",
        find=highest(streams.NAME, f"{streams.DELIVERY} p99"),
        unit="ms",
        at_most=1000,
    ),
    Target(
        what="2,000 subscribers: the gateway's memory for each",
        find=highest(streams.NAME, streams.EACH),
        unit="KiB",
        at_most=64,
    ),
    Target(
        what="1,000 webhooks beside 10,000 to an endpoint that hangs: event → endpoint, p99",
        find=highest(webhooks.NAME, f"{webhooks.DELIVERY} p99"),
        unit="ms",
        at_most=1000,
    ),
    Target(
        what="provider calls per generation, callback mode",
        find=highest(calls.NAME, calls.CALLS, case="callback"),
        unit="",
        at_most=2,
    ),
)


def judge(outcomes: Sequence[Outcome]) -> list[Judgement]:
    """Every target, in the table's order."""
    return [target.judge(outcomes) for target in TARGETS]
