"""The figures of several rounds on their way to a table."""

import pytest

from bench.figures import tables
from bench.figures.results import GENERATIONS, Measure, Outcome, PartUse, over_rounds


def _round(rate: float, cpu: float, *, notes: list[str] | None = None, problems: list[str] | None = None) -> Outcome:
    return Outcome(
        scenario="throughput",
        case="callback, 1 process",
        subject="Reelworks",
        measures=[
            Measure(what="finished", unit="1/s", values=[rate]),
            Measure(what=GENERATIONS, unit="", values=[100]),
        ],
        parts=[PartUse(part="gateway", cpu_seconds=[cpu], peak_mib=90 + cpu)],
        notes=notes or [],
        problems=problems or [],
    )


def test_rounds_merge_into_one_outcome_with_a_value_for_each() -> None:
    together = over_rounds([_round(60, 1), _round(40, 3), _round(50, 2)])
    rate = together.measure("finished")
    assert (rate.low, rate.median, rate.high) == (40, 50, 60)
    assert together.parts == [PartUse(part="gateway", cpu_seconds=[1, 3, 2], peak_mib=93)]


def test_repeated_note_appears_once_and_each_problem_appears() -> None:
    together = over_rounds(
        [_round(1, 1, notes=["fsync is on"], problems=["lost"]), _round(1, 1, notes=["fsync is on"])]
    )
    assert together.notes == ["fsync is on"]
    assert together.problems == ["lost"]


def test_failed_round_leaves_its_problem_and_no_figures() -> None:
    failed = _round(0, 0, problems=["no port"]).model_copy(update={"measures": [], "parts": []})
    together = over_rounds([failed, _round(60, 1), _round(40, 3)])
    assert together.measure("finished").values == [60, 40]
    assert together.parts[0].cpu_seconds == [1, 3]
    assert together.problems == ["no port"]
    assert over_rounds([failed, failed]).measures == []


def test_unknown_measure_is_named_in_the_error() -> None:
    with pytest.raises(LookupError, match="speed"):
        _round(1, 1).measure("speed")


@pytest.mark.parametrize(
    ("values", "text"),
    [([61.23], "61.2"), ([50, 40, 60], "50 (40 to 60)"), ([0.1234], "0.123"), ([99.97], "100"), ([12345.6], "12,346")],
)
def test_cell_has_the_median_and_the_range(values: list[float], text: str) -> None:
    assert tables.spread(values) == text


def test_processor_time_is_divided_by_the_generations_of_its_round() -> None:
    together = over_rounds([_round(60, 1), _round(40, 3)])
    assert tables.milliseconds_per_generation(together, [1, 3]) == [10, 30]


def test_no_generations_give_no_cost_of_a_generation() -> None:
    idle = _round(60, 1).model_copy(update={"measures": []})
    assert tables.milliseconds_per_generation(idle, [1]) is None


def test_cases_with_different_measures_get_separate_tables() -> None:
    other = _round(1, 1).model_copy(update={"measures": [Measure(what="latency", unit="ms", values=[3])]})
    rates, latencies = tables.figures("throughput", [_round(1, 1), _round(2, 1), other])
    assert rates.headings == ("case", "subject", "finished, 1/s", "generations")
    assert [row[2] for row in rates.rows] == ["1", "2"]
    assert latencies.rows == [["callback, 1 process", "Reelworks", "3"]]


def test_sum_follows_the_parts_of_a_case() -> None:
    outcome = _round(1, 1)
    outcome.parts.append(PartUse(part="postgres", cpu_seconds=[0.5], peak_mib=50))
    sheet = tables.uses("throughput", [outcome])
    assert sheet is not None
    assert [row[2:] for row in sheet.rows] == [
        ["gateway", "1", "10", "91"],
        ["postgres", "0.5", "5", "50"],
        ["all", "1.5", "15", ""],
    ]


def test_pipe_character_in_a_cell_does_not_break_the_page() -> None:
    sheet = tables.Sheet("t", ("what", "figure"), [("a|b", "1")], names=1)
    assert sheet.for_page() == "| what | figure |\n| --- | --: |\n| a\\|b | 1 |"
