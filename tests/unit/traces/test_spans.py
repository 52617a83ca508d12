"""Spans in one process: their places, and that nothing is recorded or loaded where traces are off."""

import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased

from schemas.trace_context import TraceContext, attached, current, current_trace_id
from tests.traces import recording
from traces import spans
from traces.names import Attribute, SpanKind

CALLER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)
ROOT = Path(__file__).parents[3]

_LOADED = """
import sys
import {modules}
# FastAPI loads the interface of OpenTelemetry by itself, and redis-py the SDK's metrics where the SDK is installed.
unwanted = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf", "traces.recorder")
print(sorted(name for name in sys.modules if name.startswith(unwanted)))
"""


def test_a_block_is_a_span_under_the_place_around_it() -> None:
    with recording() as recorded:
        with attached(CALLER), spans.span("poll", SpanKind.CONSUMER, {Attribute.STAGE: "generating"}) as step:
            assert current() == step.context
            spans.record("GET poll", SpanKind.CLIENT, {Attribute.STATUS: 200, Attribute.HOST: None}, began_at=0)
        assert current() is None
    call, poll = recorded.all

    assert (poll.trace_id, poll.parent_id, poll.kind) == (CALLER.trace_id, CALLER.span_id, "CONSUMER")
    assert (call.trace_id, call.parent_id, call.kind) == (CALLER.trace_id, poll.span_id, "CLIENT")
    assert (dict(poll.attributes), dict(call.attributes)) == (
        {"reelworks.stage": "generating"},
        {"http.response.status_code": 200},
    )


def test_a_span_without_a_place_begins_a_trace_but_a_record_does_not() -> None:
    with recording() as recorded:
        spans.record("GET poll", SpanKind.CLIENT, {}, began_at=0)
        with spans.span("poll", SpanKind.CONSUMER, {}):
            assert current_trace_id() is not None
    assert recorded.one("poll").parent_id is None
    assert recorded.names == ["poll"]


def test_an_error_fails_the_span_without_its_text() -> None:
    with recording() as recorded, pytest.raises(ValueError, match="secret"), spans.span("store", SpanKind.CONSUMER, {}):
        raise ValueError("a secret of the customer")
    store = recorded.one("store")

    assert store.is_failed
    assert store.attributes == {"error.type": "ValueError"}
    assert "secret" not in repr(recorded.kept.get_finished_spans()[0].to_json())


def test_a_span_may_get_a_chosen_id_and_links() -> None:
    with recording() as recorded:
        spans.begin("POST", SpanKind.SERVER, {}, parent=CALLER, links=[CALLER], span_id="b7ad6b7169203331").end()
        spans.begin("POST", SpanKind.SERVER, {}).end()
    chosen, free = recorded.all

    assert (chosen.span_id, chosen.parent_id, chosen.links) == ("b7ad6b7169203331", CALLER.span_id, [CALLER.span_id])
    assert free.span_id != chosen.span_id


def test_a_trace_that_is_not_sampled_has_an_id_and_no_spans() -> None:
    with recording(ParentBased(ALWAYS_OFF)) as recorded:
        with spans.span("poll", SpanKind.CONSUMER, {}) as step:
            assert step.context is not None
            assert not step.context.is_sampled
            assert current_trace_id() == step.context.trace_id
        with attached(CALLER), spans.span("store", SpanKind.CONSUMER, {}):
            pass
    assert recorded.names == ["store"], "the caller has decided that this one is recorded"


def test_without_traces_a_block_stays_in_the_callers_trace() -> None:
    with attached(CALLER), spans.span("poll", SpanKind.CONSUMER, {}) as step:
        step.set({Attribute.STATUS: 200})
        step.fail("ValueError")
        assert step.context == current() == CALLER
    assert spans.begin("POST", SpanKind.SERVER, {}) is spans.NO_SPAN


@pytest.mark.parametrize("modules", ["workers.__main__", "api_gateway, gateway.server"])
def test_without_traces_a_process_loads_nothing_that_records_or_sends_spans(modules: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED.format(modules=modules)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
