"""The labels that settings decide, and the series that stand at 0 from the start of a process."""

import pytest
from prometheus_client import generate_latest

from metrics.instruments import REGISTRY
from tests.support import clean_settings, with_kie_account
from workers.known_labels import learn


@pytest.mark.parametrize(
    "series",
    [
        'reelworks_ended_total{cause="our_fault",provider="kie",status="failed"}',
        'reelworks_ended_total{cause="provider_fault",provider="kie",status="failed"}',
        'reelworks_ended_total{cause="none",provider="kie",status="completed"}',
        'reelworks_ended_total{cause="cancelled_after_start",provider="kie",status="cancelled"}',
        'reelworks_callbacks_total{provider="kie",verdict="refused"}',
        'reelworks_ends_found_total{found_by="safety_poll",provider="kie"}',
        'reelworks_provider_calls_total{answer="no_answer",call="create",provider="kie"}',
    ],
)
def test_the_first_count_that_an_alert_compares_is_more_than_before(series: str) -> None:
    """Prometheus sees no increase in a series that begins with a count."""
    learn(with_kie_account(clean_settings()))

    assert f"\n{series} " in generate_latest(REGISTRY).decode()
