"""The verdicts of targets. A target that was not measured is neither met nor missed."""

import pytest

from bench.figures.results import Measure, Outcome
from bench.figures.targets import TARGETS, Judgement, Target, Verdict, highest, judge, times_others


def _outcome(subject: str, case: str, rate: float, *, problems: list[str] | None = None) -> Outcome:
    return Outcome(
        scenario="throughput",
        case=case,
        subject=subject,
        measures=[Measure(what="finished", unit="1/s", values=[rate - 1, rate, rate + 100])],
        problems=problems or [],
    )


def _found(outcomes: list[Outcome], what: str) -> Judgement:
    return next(judgement for judgement in judge(outcomes) if judgement.what == what)


def test_target_without_figures_is_not_measured() -> None:
    assert {judgement.verdict for judgement in judge([])} == {Verdict.NOT_MEASURED}


def test_median_decides_instead_of_the_best_round() -> None:
    missed = _found([_outcome("Reelworks", "callback, 1 process", 59)], "throughput, callback mode")
    assert (missed.verdict, missed.found) == (Verdict.MISSED, "59 generations/s")
    met = _found([_outcome("Reelworks", "callback, 1 process", 60)], "throughput, callback mode")
    assert met.verdict is Verdict.MET


def test_best_number_of_processes_counts_but_not_another_mode() -> None:
    outcomes = [
        _outcome("Reelworks", "callback, 1 process", 40),
        _outcome("Reelworks", "callback, 2 processes", 50),
        _outcome("Reelworks", "poll, 1 process", 90),
    ]
    assert _found(outcomes, "throughput, callback mode").found == "50 generations/s"


def test_peer_is_compared_at_its_best() -> None:
    outcomes = [
        _outcome("Reelworks", "callback, 1 process", 60),
        _outcome("plain Celery", "callback, 1 process", 30),
        _outcome("plain Celery", "callback, 2 processes", 50),
        _outcome("DBOS", "callback, 1 process", 20),
        _outcome("Reelworks with Flower", "callback, 1 process", 55),
    ]
    found = _found(outcomes, "throughput, callback mode, against the best peer")
    assert (found.found, found.verdict) == ("1.2 ×", Verdict.MISSED)


def test_run_with_problems_counts_for_peers_but_not_for_reelworks() -> None:
    broken = _outcome("Reelworks", "callback, 1 process", 600, problems=["lost"])
    assert _found([broken], "throughput, callback mode").verdict is Verdict.NOT_MEASURED
    peer = _outcome("plain Celery", "callback, 1 process", 60, problems=["a file is missing"])
    ratio = times_others("throughput", "finished", case="callback", others=lambda name: name != "Reelworks")
    assert ratio([_outcome("Reelworks", "callback, 1 process", 60), peer]) == 1


@pytest.mark.parametrize(
    ("bounds", "figure", "verdict"),
    [
        ({"at_least": 60.0}, 60, Verdict.MET),
        ({"at_least": 60.0}, 59.9, Verdict.MISSED),
        ({"at_most": 2.0}, 2, Verdict.MET),
        ({"at_most": 2.0}, 2.01, Verdict.MISSED),
        ({"below": 5.0}, 4.99, Verdict.MET),
        ({"below": 5.0}, 5, Verdict.MISSED),
    ],
)
def test_bound_decides_between_met_and_missed(bounds: dict[str, float], figure: float, verdict: Verdict) -> None:
    target = Target(what="it", find=lambda _: figure, unit="ms", **bounds)
    assert target.judge([]).verdict is verdict


def test_every_target_names_its_bound() -> None:
    assert all(target.wanted for target in TARGETS)


def test_missing_figure_is_none() -> None:
    assert highest("throughput", "finished", case="poll")([_outcome("Reelworks", "callback, 1 process", 1)]) is None
