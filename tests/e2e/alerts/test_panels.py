"""Each query of each panel has data of a running system, or during the fault that it is about."""

import time

import pytest

from drills.monitoring.panels import panels
from tests.e2e.alerts.conftest import Watched
from tests.e2e.alerts.faults import queries_of_faults
from tests.e2e.alerts.load import load
from tests.e2e.alerts.rules import WINDOW

pytestmark = pytest.mark.prometheus

_PATIENCE_SECONDS = 300


def test_each_query_of_each_panel_has_data_under_load(watched: Watched) -> None:
    """The tests of the faults ask the queries that need a fault."""
    titles = {query.expression: panel.title for panel in panels(rate_interval=WINDOW) for query in panel.queries}
    in_faults = set(queries_of_faults())
    assert in_faults <= set(titles), "no panel has this query"
    missing = set(titles) - in_faults
    with load(watched):
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while missing and time.monotonic() < give_up_at:
            missing = {query for query in missing if not watched.has_data(query)}
    assert sorted((titles[query], query) for query in missing) == []
