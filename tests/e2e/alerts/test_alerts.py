"""Each alert fires when its fault is caused, reaches Alertmanager, and ends after the fault."""

import subprocess

import pytest

from drills.monitoring.servers import OPS, program
from tests.e2e.alerts import rules
from tests.e2e.alerts.conftest import Watched
from tests.e2e.alerts.faults import FAULTS, Fault
from tests.support import eventually

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(900)]


@pytest.mark.parametrize(("kind", "file"), [("rules", "alerts.yml"), ("config", "prometheus.yml")])
def test_promtool_finds_no_mistake(kind: str, file: str) -> None:
    checked = subprocess.run(
        [program("promtool"), "check", kind, str(OPS / file)], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr
    if kind == "rules":
        assert f"SUCCESS: {len(rules.names())} rules found" in checked.stdout


def test_each_alert_has_one_fault_that_fires_it() -> None:
    caused = [alert for fault in FAULTS for alert in fault.alerts]

    assert sorted(caused) == sorted(rules.names())


def test_a_healthy_system_fires_no_alert_and_each_rule_can_be_evaluated(watched: Watched) -> None:
    watched.ended(*watched.order(count=3))

    judged = eventually(
        watched.prometheus.rules,
        lambda found: all(rule["health"] == "ok" and rule["state"] == "inactive" for rule in found),
    )

    assert sorted(rule["name"] for rule in judged) == sorted(rules.names())
    assert [rule["lastError"] for rule in judged if rule.get("lastError")] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_a_fault_fires_its_alerts(watched: Watched, fault: Fault) -> None:
    expected = set(fault.alerts)
    eventually(watched.reads_all, bool)
    eventually(watched.firing, lambda firing: not expected & firing)

    with fault.caused(watched):
        eventually(watched.firing, lambda firing: expected <= firing)
        for query in fault.queries:
            eventually(lambda: watched.has_data(query), bool)  # noqa: B023 -- asked at once


def test_no_alert_fires_after_the_faults(watched: Watched) -> None:
    states = eventually(
        lambda: {rule["name"]: rule["state"] for rule in watched.prometheus.rules()},
        lambda found: set(found.values()) == {"inactive"},
    )

    assert len(states) > 0
    assert watched.system.audit().breaches == []
