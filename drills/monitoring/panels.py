"""The panels of the shipped dashboards, as Grafana would read them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DASHBOARDS: Final = Path(__file__).parents[2] / "ops" / "grafana"
"""The folder of the dashboards."""


@dataclass(frozen=True)
class Query:
    """A query of a panel."""

    expression: str
    """What Prometheus is asked. Grafana's `$__rate_interval` is filled in."""
    legend: str
    """The name of a series: `{{label}}` stands for the value of a label."""


@dataclass(frozen=True)
class Panel:
    """A panel of a dashboard."""

    dashboard: str
    """The name of the dashboard's file."""
    title: str
    """The title."""
    unit: str
    """Grafana's name of the unit."""
    queries: Sequence[Query]
    """The queries."""


def panels(*, rate_interval: str) -> list[Panel]:
    """Every panel of every dashboard.

    Args:
        rate_interval: the time over which rates are taken. Grafana takes at least four scrapes.
    """
    return [
        Panel(
            file.stem,
            panel["title"],
            panel["fieldConfig"]["defaults"]["unit"],
            [
                Query(target["expr"].replace("$__rate_interval", rate_interval), target["legendFormat"])
                for target in panel["targets"]
            ],
        )
        for file in sorted(DASHBOARDS.glob("*.json"))
        for panel in json.loads(file.read_text())["panels"]
    ]
