"""Exemplars: a value leads to the trace in which it was measured, for readers that ask for OpenMetrics."""

from dataclasses import replace
from pathlib import Path

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

from metrics.families import PROVIDER_CALL_SECONDS, STAGE_SECONDS, STEPS
from metrics.labels import CallKind
from metrics.server import serving
from schemas.enums import Stage
from schemas.metrics_settings import MetricsSettings
from schemas.trace_context import TraceContext, attached

# What Prometheus 2.42 sends.
ACCEPT = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
IN_TRACE = TraceContext(TRACE, "00f067aa0ba902b7", is_sampled=True)


def read(folder: Path, **headers: str) -> httpx.Response:
    with serving(MetricsSettings(port=0), folder, process="provider1", role="provider") as target:
        assert target is not None
        return httpx.get(f"http://{target.address}/metrics", headers=headers, timeout=100, trust_env=False)


def test_a_value_leads_to_its_trace(tmp_path: Path) -> None:
    with attached(IN_TRACE):
        STAGE_SECONDS.observe(Stage.GENERATING, seconds=42)
        PROVIDER_CALL_SECONDS.observe("kie", CallKind.CREATE, seconds=0.3)
    with attached(replace(IN_TRACE, is_sampled=False)):
        STAGE_SECONDS.observe(Stage.GENERATING, seconds=20)
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
        ("reelworks_provider_call_seconds_bucket", "0.5", TRACE, 0.3),
    }
    assert not {20.0, 7.0} & {value for *_, value in found}


def test_a_reader_of_plain_text_gets_no_exemplars(tmp_path: Path) -> None:
    with attached(IN_TRACE):
        STAGE_SECONDS.observe(Stage.QUEUED, seconds=1)
    STEPS.add(Stage.QUEUED, "advance")

    answer = read(tmp_path)

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "trace_id" not in answer.text
    assert 'reelworks_steps_total{outcome="advance",stage="queued"}' in answer.text
