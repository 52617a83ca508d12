"""The steps of a generation are one trace, whichever process runs them."""

from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from structlog.testing import capture_logs

from schemas.enums import Stage
from schemas.stages import TERMINAL
from schemas.trace_context import TraceContext, attached, with_trace_id
from storage import callbacks
from tests.integration.tasks.conftest import Life, Lives
from tests.integration.tasks.test_joined_stages import joining
from tests.traces import Seen, recording

ORDER = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", is_sampled=True)
STEPS = {"prepare", "send", "resolve", "poll", "download", "store", "settle"}


def ordered(lives: Lives, **behaviour: Any) -> Life:
    """A generation whose order belongs to a trace."""
    with attached(ORDER):
        return lives.begin(**behaviour)


def steps(spans: list[Seen]) -> list[Seen]:
    """The spans of steps."""
    return [span for span in spans if span.name in STEPS]


def test_every_step_and_call_of_a_generation_is_in_the_trace_of_its_order(lives: Lives) -> None:
    life = ordered(lives)
    with recording() as recorded:
        assert life.go(until=TERMINAL) is Stage.COMPLETED
    spans = recorded.all
    made = steps(spans)

    assert {span.trace_id for span in spans} == {ORDER.trace_id}
    assert [span.name for span in made if span.name != "poll"] == ["prepare", "send", "download", "store", "settle"]
    assert {span.parent_id for span in made} == {ORDER.span_id}
    by_id = {span.span_id: span for span in made}
    below = {(span.name, by_id[span.parent_id].name) for span in spans if span.parent_id in by_id}
    assert below == {("POST submit", "send"), ("GET poll", "poll"), ("GET file", "download")}
    assert [span.links for span in made[1:]] == [[before.span_id] for before in made[:-1]]
    assert made[0].links == []


def test_a_step_says_what_it_did_and_to_whom(lives: Lives) -> None:
    life = ordered(lives)
    with recording() as recorded:
        life.go(until=TERMINAL)
    send, call, file = recorded.one("send"), recorded.one("POST submit"), recorded.one("GET file")

    assert send.attributes == {
        "reelworks.generation.id": str(life.id),
        "reelworks.stage": "submitting",
        "reelworks.kind": "image",
        "reelworks.model": "nano-banana",
        "reelworks.provider": "kie",
        "reelworks.attempt": 1,
        "reelworks.outcome": "advance",
        "reelworks.next_stage": "generating",
    }
    assert call.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "reelworks.operation": "submit",
        "reelworks.provider": "kie",
    }
    assert file.attributes["reelworks.resumes"] == 0
    assert file.attributes["http.response.body.size"] == life.assets[0].size_bytes


def test_the_wait_at_the_vendor_is_a_span_between_two_steps(lives: Lives) -> None:
    life = ordered(lives)
    with recording() as recorded:
        life.go(until=frozenset({Stage.GENERATING}))
        life.set("stage_at = stage_at - interval '100 seconds'")
        life.go(until=TERMINAL)
    wait = recorded.one("wait")

    assert (wait.parent_id, wait.kind) == (ORDER.span_id, "INTERNAL")
    assert wait.seconds > 100


def test_a_step_after_a_callback_links_to_the_callback(lives: Lives) -> None:
    life = ordered(lives)
    with recording() as recorded:
        life.go(until=frozenset({Stage.GENERATING}))
        with life.database.statements() as sql:
            recorded_callback = callbacks.record(
                sql, "kie", life.id, remote_id=life.row.remote_id or "", body=b"{}", resend_after=10,
                span_id="b7ad6b7169203331",
            )  # fmt: skip
        life.step()
    assert recorded_callback.traceparent == ORDER.traceparent
    assert recorded.one("poll").links == ["b7ad6b7169203331"]


def test_steps_that_a_worker_joins_are_spans_side_by_side(lives: Lives) -> None:
    life = joining(ordered(lives))
    life.go(until=frozenset({Stage.DOWNLOADING}))
    with recording() as recorded:
        assert life.step() is Stage.COMPLETED
    download, store, settle = steps(recorded.all)

    assert (download.name, store.name, settle.name) == ("download", "store", "settle")
    assert (store.parent_id, settle.parent_id) == (ORDER.span_id, ORDER.span_id)
    assert (store.links, settle.links) == ([download.span_id], [store.span_id])


def test_after_a_death_the_next_worker_goes_on_in_the_same_trace(lives: Lives) -> None:
    life = ordered(lives)
    with recording() as first:
        life.go(until=frozenset({Stage.DOWNLOADING}))
    life.die_holding_it()
    with recording() as second:
        assert life.go(until=TERMINAL) is Stage.COMPLETED
    spans = steps(second.all)

    assert {span.trace_id for span in second.all} == {ORDER.trace_id}
    assert spans[0].links == [steps(first.all)[-1].span_id]


def test_a_failed_try_and_a_failure_fail_their_spans(lives: Lives) -> None:
    life = ordered(lives, outcome="fail", fail_msg="the vendor's own words")
    with recording() as recorded:
        assert life.go(until=TERMINAL) is Stage.FAILED
    poll = steps(recorded.all)[-1]

    assert (poll.name, poll.is_failed, poll.attributes["error.type"]) == ("poll", True, life.row.error_code)
    assert poll.attributes["reelworks.outcome"] == "fail"
    assert "own words" not in repr(recorded.kept.get_finished_spans()[-1].to_json())


def test_a_generation_without_a_trace_gets_one_at_its_first_step(lives: Lives) -> None:
    life = lives.begin()
    with recording() as recorded:
        life.go(until=TERMINAL)
    prepare = recorded.one("prepare")

    assert prepare.parent_id is None
    assert {span.trace_id for span in recorded.all} == {prepare.trace_id}
    assert life.row.traceparent == prepare.context.traceparent


def test_a_trace_that_is_not_sampled_records_no_step_and_keeps_its_id(lives: Lives) -> None:
    life = lives.begin()
    with recording(ParentBased(ALWAYS_OFF)) as first:
        life.go(until=frozenset({Stage.GENERATING}))
    with recording() as second:
        life.go(until=TERMINAL)
    place = TraceContext.read(life.row.traceparent)

    assert (first.names, second.names) == ([], []), "the first decision holds for the whole trace"
    assert place is not None
    assert not place.is_sampled


@pytest.mark.parametrize("is_on", [False, True])
def test_lines_of_a_step_name_the_trace_also_where_no_span_is_recorded(lives: Lives, is_on: bool) -> None:
    life = ordered(lives)
    with capture_logs(processors=[with_trace_id]) as lines:
        if is_on:
            with recording():
                life.go(until=frozenset({Stage.GENERATING}))
        else:
            life.go(until=frozenset({Stage.GENERATING}))
    calls = [line for line in lines if line["event"] == "vendor_call"]

    assert [line["trace_id"] for line in calls] == [ORDER.trace_id]
    assert life.row.traceparent == ORDER.traceparent
