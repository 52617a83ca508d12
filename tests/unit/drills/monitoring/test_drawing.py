"""Panels are drawn with the names and units that Grafana would show."""

import pytest

from drills.monitoring import drawing
from drills.monitoring.panels import Query, panels
from drills.monitoring.servers import Series
from ops.dashboards import DASHBOARDS


def test_every_panel_of_every_dashboard_is_drawn() -> None:
    drawn = [(panel.dashboard, panel.title) for panel in panels(rate_interval="30s")]

    assert sorted(drawn) == sorted((name, panel.title) for name, own in DASHBOARDS.items() for panel in own)


def test_no_variable_of_grafana_is_left_in_a_query() -> None:
    for panel in panels(rate_interval="30s"):
        assert panel.queries
        assert not [query for query in panel.queries if "$" in query.expression]
        assert panel.unit in drawing._UNITS


def test_a_legend_names_the_labels_of_its_series() -> None:
    query = Query("", "{{provider}} {{ call }} p95")

    assert drawing.named(query, Series({"provider": "kie", "call": "read"}, [])) == "kie read p95"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2500, "bytes", "2.5 kB"),
        (3e6, "Bps", "3 MB/s"),
        (0.25, "s", "0.25 s"),
        (1200, "s", "1200 s"),
        (4, "short", "4"),
        (0.5, "ops", "0.5 /s"),
    ],
)
def test_a_value_has_its_unit(value: float, unit: str, text: str) -> None:
    assert drawing.measured(value, unit) == text
