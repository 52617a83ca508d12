"""Prometheus leads from a value to the trace in which it was measured, also across processes."""

import time
from uuid import uuid4

import pytest

from schemas.trace_context import HEADER, TraceContext
from tests.e2e.alerts.conftest import Watched
from tests.support import eventually

pytestmark = pytest.mark.prometheus


@pytest.mark.parametrize("histogram", ["stage_seconds", "generation_seconds", "provider_call_seconds"])
def test_a_value_leads_to_the_trace_of_its_order(watched: Watched, histogram: str) -> None:
    began, trace = time.time(), TraceContext(uuid4().hex, "00f067aa0ba902b7", is_sampled=True)
    order = watched.system.http.post(
        "/v1/generations",
        json={"model": "nano-banana", "prompt": f"a lighthouse {watched.system.behave()}"},
        headers={**watched.customer.headers, HEADER: trace.traceparent},
    )
    watched.ended(order.raise_for_status().json()["id"])

    def traces() -> set[str]:
        found = watched.prometheus.exemplars(f"reelworks_{histogram}_bucket", start=began, end=time.time())
        return {exemplar["labels"]["trace_id"] for exemplar in found}

    eventually(traces, lambda found: trace.trace_id in found)
