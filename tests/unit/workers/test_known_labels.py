"""The labels that settings decide, and the series that stand at 0 from the start of a process."""

from prometheus_client import generate_latest

from metrics.instruments import REGISTRY
from tests.support import clean_settings, with_kie_account
from workers.known_labels import learn


def test_the_first_failure_by_our_fault_is_more_than_before() -> None:
    learn(with_kie_account(clean_settings()))

    series = 'reelworks_ended_total{cause="our_fault",provider="kie",status="failed"}'
    lines = generate_latest(REGISTRY).decode().splitlines()
    assert any(line.startswith(series) for line in lines), "Prometheus sees no increase in a series that begins with 1"
