"""`reelworks routes`: the circuit breakers and their timeline."""

import json
from uuid import uuid4

import pytest

from schemas.admission_settings import AdmissionSettings
from schemas.orders import Route
from storage import routes
from storage.database import Database
from tests.integration.command import Reelworks

KIE = Route(provider="kie", model="wan/3-0-video")
RUNWAY = Route(provider="runway", model="video/wan3")


@pytest.fixture
def _failures(database: Database) -> None:
    """Kie's route is open, and a create of Runway's failed once."""
    for route, failures in ((KIE, 5), (RUNWAY, 1)):
        for _ in range(failures):
            with database.statement() as sql:
                routes.report(
                    sql, route, uuid4(), AdmissionSettings(), is_create=True, answered=0, reason="no answer"
                )  # fmt: skip


@pytest.mark.usefixtures("_failures")
def test_open_routes_come_first(reelworks: Reelworks) -> None:
    shown = reelworks("routes")
    assert shown.status == 0
    lines = shown.out.splitlines()
    assert lines[0].split()[:3] == ["provider", "vendor", "model"]
    assert lines[1].split()[:5] == ["kie", "wan/3-0-video", "open", "5", "of"]
    assert lines[2].split()[:5] == ["runway", "video/wan3", "closed", "1", "of"]
    rows = json.loads(reelworks("routes", "list", "--json").out)
    assert [(row["provider"], row["state"], row["reason"]) for row in rows] == [
        ("kie", "open", "no answer"),
        ("runway", "closed", "no answer"),
    ]


@pytest.mark.usefixtures("_failures")
@pytest.mark.parametrize(("name", "count"), [("kie", 1), ("wan/3-0-video", 1), ("kie/wan/3-0-video", 1), ("runway", 0)])
def test_changes_are_the_timeline_of_a_breaker(reelworks: Reelworks, name: str, count: int) -> None:
    changes = json.loads(reelworks("routes", "changes", name, "--json").out)
    assert [(change["vendor_model"], change["state"], change["reason"]) for change in changes] == [
        ("wan/3-0-video", "open", "no answer")
    ] * count


def test_a_system_without_failures_lists_nothing(reelworks: Reelworks, database: Database) -> None:
    assert json.loads(reelworks("routes", "--json").out) == []
