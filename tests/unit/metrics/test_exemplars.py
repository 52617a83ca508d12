"""Exemplars: a value leads to the trace in which it was measured, for readers that ask for OpenMetrics."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

from metrics.exemplars import EXEMPLARS
from metrics.families import PROVIDER_CALL_SECONDS, STAGE_SECONDS, STEPS
from metrics.labels import CallKind
from metrics.server import serving
from schemas.enums import Stage
from schemas.metrics_settings import MetricsSettings

# What Prometheus 2.42 sends.
ACCEPT = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def trace() -> Iterator[list[str]]:
    """The current trace: the last one of the list."""
    traces = [TRACE]
    EXEMPLARS.read_traces(lambda: traces[-1] if traces else None)
    yield traces
    EXEMPLARS.read_traces(lambda: None)


def read(folder: Path, **headers: str) -> httpx.Response:
    with serving(MetricsSettings(port=0), folder, process="provider1", role="provider") as target:
        assert target is not None
        return httpx.get(f"http://{target.address}/metrics", headers=headers, timeout=10, trust_env=False)


def test_a_value_leads_to_its_trace(tmp_path: Path, trace: list[str]) -> None:
    STAGE_SECONDS.observe(Stage.GENERATING, seconds=42)
    trace.append("0af7651916cd43dd8448eb211c80319c")
    PROVIDER_CALL_SECONDS.observe("kie", CallKind.CREATE, seconds=0.3)
    trace.clear()
    STAGE_SECONDS.observe(Stage.GENERATING, seconds=7)

    answer = read(tmp_path, Accept=ACCEPT)

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    found = {
        (sample.name, sample.labels["le"], sample.exemplar.labels["trace_id"], sample.exemplar.value)
        for family in open_metrics(answer.text)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.exemplar is not None
    }
    assert found >= {
        ("reelworks_stage_seconds_bucket", "60.0", TRACE, 42.0),
        ("reelworks_provider_call_seconds_bucket", "0.5", "0af7651916cd43dd8448eb211c80319c", 0.3),
    }
    assert not [1 for _, bound, _, value in found if (bound, value) == ("10.0", 7.0)]


def test_a_reader_of_plain_text_gets_no_exemplars(tmp_path: Path, trace: list[str]) -> None:
    STAGE_SECONDS.observe(Stage.QUEUED, seconds=1)
    STEPS.add(Stage.QUEUED, "advance")

    answer = read(tmp_path)

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "trace_id" not in answer.text
    assert 'reelworks_steps_total{outcome="advance",stage="queued"}' in answer.text
