"""The dashboards, as Grafana's own types read them. A field that Grafana does not know is lost on the way."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from ops.dashboards import DASHBOARDS, FOLDER

register_default_plugins()


def lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """What is in the one document and not in the other."""
    match before, after:
        case dict(), dict():
            for name, value in before.items():
                yield from lost(value, after.get(name), f"{path}/{name}")
        case list(), list() if len(before) == len(after):
            for index, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from lost(one, other, f"{path}/{index}")
        case _ if before != after:
            yield path


def read(document: dict[str, Any]) -> Any:
    """What Grafana reads of a document."""
    return json.loads(JSONEncoder().encode(Dashboard.from_json(document)))


@pytest.fixture(params=DASHBOARDS)
def document(request: pytest.FixtureRequest) -> Any:
    return json.loads(Path(FOLDER / f"{request.param}.json").read_text())


def test_grafana_reads_every_field_of_a_dashboard(document: dict[str, Any]) -> None:
    assert [*lost(document, read(document))] == []


def test_a_field_that_grafana_does_not_know_is_noticed(document: dict[str, Any]) -> None:
    panel = document["panels"][0]
    panel["fieldConfig"]["defaults"]["units"] = panel["fieldConfig"]["defaults"].pop("unit")
    panel["targets"][0]["expression"] = panel["targets"][0].pop("expr")

    assert [*lost(document, read(document))] == [
        "/panels/0/fieldConfig/defaults/units",
        "/panels/0/targets/0/expression",
    ]
