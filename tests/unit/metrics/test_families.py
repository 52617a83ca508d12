"""The metrics as a whole: their names, their bounds, and the page that explains them."""

import os
import re
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from metrics.families import FAMILIES
from metrics.instruments import REGISTRY, Counter, Gauge, Histogram, Values
from metrics.labels import CAUSE, OTHER, TEST, Label
from providers.catalogue.reading import CatalogueFile
from providers.registry import adapter_names

PAGE = Path("docs/metrics.md")
TABLE = re.compile(r"(<!-- metrics -->\n).*?(<!-- /metrics -->)", re.DOTALL)

MOST_SERIES = 5200


def test_the_page_explains_every_metric() -> None:
    rows = [
        f"| `{family.name}` | {family.type} | {', '.join(family.label_names)} | {family.told} |\n"
        for family in FAMILIES
    ]
    table = "".join(["| metric | type | labels | meaning |\n|---|---|---|---|\n", *rows])
    page = PAGE.read_text(encoding="utf-8")
    current = TABLE.sub(lambda found: found[1] + table + found[2], page)
    if os.environ.get("WRITE_DOCS"):
        PAGE.write_text(current, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == current, "docs/metrics.md is not current: run `make docs`"


def test_each_name_is_used_once() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_no_process_has_more_series_than_prometheus_can_bear() -> None:
    assert sum(family.most_series for family in FAMILIES) <= MOST_SERIES


def test_the_bounds_of_labels_hold_what_the_project_ships() -> None:
    file = CatalogueFile.shipped()

    assert len([*file.models, *file.retired]) <= _most("model")
    assert len(adapter_names()) <= _most("provider")


def _most(name: str) -> int:
    return next(label.most_values - 1 for family in FAMILIES for label in family.labels if label.name == name)


def test_a_value_outside_the_set_makes_no_series() -> None:
    counter = Counter("of_a_test_total", "A test.", CAUSE)

    for number in range(1000):
        counter.add(f"invented-{number}")
    counter.add("timed_out", by=2)

    lines = generate_latest(REGISTRY).decode().splitlines()
    counted = [line for line in lines if line.startswith("reelworks_of_a_test") and not line.endswith(" 0.0")]
    assert sorted(counted) == [
        f'reelworks_of_a_test_total{{cause="{OTHER}"}} 1000.0',
        'reelworks_of_a_test_total{cause="timed_out"} 2.0',
    ]


def test_a_label_learns_up_to_its_bound() -> None:
    label = Label("model", most=2)

    label.learn(["c", "a", "b"])

    assert [label.shown(value) for value in "abc"] == ["a", "b", OTHER]
    with pytest.raises(ValueError, match="fixed"):
        CAUSE.learn(["x"])


def test_accounts_at_the_sandbox_are_one_value() -> None:
    provider = next(label for family in FAMILIES for label in family.labels if label.name == "provider")

    assert provider.shown("test_kie") == TEST


@pytest.mark.parametrize(
    ("merge", "expected"),
    [(lambda one, other: one + other, {("a",): 5.0, (OTHER,): 6.0}), (max, {("a",): 5.0, (OTHER,): 3.0})],
)
def test_the_smallest_series_of_a_figure_beyond_its_bound_are_one(merge: object, expected: dict[Values, float]) -> None:
    gauge = Gauge("of_a_test", "A test.", Label("x", "abcd"), most=2, merge=merge)  # type: ignore[arg-type]

    assert gauge.series([(["b"], 3.0), (["a"], 5.0), (["c"], 2.0), (["d"], 1.0)]) == expected


def test_a_clock_that_jumps_back_counts_as_nothing() -> None:
    histogram = Histogram("of_a_test_seconds", "A test.", buckets=[1])

    histogram.observe(seconds=-5)

    assert "reelworks_of_a_test_seconds_sum 0.0" in generate_latest(REGISTRY).decode().splitlines()
