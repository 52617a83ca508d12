from pathlib import Path

import pytest
from rich.console import Console

from drills.chaos.plans.plan import short
from drills.chaos.run import run

SEED = 20


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_short_chaos_run_has_no_breach(tmp_path: Path) -> None:
    plan = short(SEED)
    report = run(plan, tmp_path, Console(quiet=True))
    assert report.breaches == []
    assert set(report.faults) == {fault.kind for fault in plan.faults}, "everything really went wrong"
    assert sum(report.vendor_faults.values()) > 10
    assert report.orders.given_up == 0
    assert report.outcomes["completed"] > 0
    assert report.orders.accepted_over_redis > 0
    assert report.told.on_the_stream > report.told.by_webhook > 0
    assert report.told.groups_made > 1, "the stream was lost"
    assert sum(report.attacks.values()) > 0
