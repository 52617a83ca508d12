"""W3C Trace Context: which texts are contexts, and which trace the present work belongs to."""

import contextvars

import pytest

from schemas.trace_context import TraceContext, attached, current, current_trace_id, with_trace_id

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_traceparent_is_read_and_written_as_it_was() -> None:
    for text, is_sampled in ((f"00-{TRACE}-{SPAN}-01", True), (f"00-{TRACE}-{SPAN}-00", False)):
        found = TraceContext.read(text)

        assert found == TraceContext(TRACE, SPAN, is_sampled)
        assert found.traceparent == text


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    found = TraceContext.read(f"cc-{TRACE}-{SPAN}-03-what-the-future-will-be-like")

    assert found == TraceContext(TRACE, SPAN, is_sampled=True)
    assert found.traceparent == f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE[:-1]}é-{SPAN}-01",
    ],
)
def test_any_other_text_is_no_context(text: object) -> None:
    assert TraceContext.read(text) is None


def test_work_belongs_to_a_trace_within_a_block_and_in_copies_of_its_context() -> None:
    assert current_trace_id() is None
    with attached(TraceContext(TRACE, SPAN, is_sampled=True)):
        assert current_trace_id() == TRACE
        elsewhere = contextvars.copy_context()
        with attached(None):
            assert current() is None
        assert current() == TraceContext(TRACE, SPAN, is_sampled=True)

    assert current() is None
    assert elsewhere.run(current_trace_id) == TRACE


def test_a_line_of_the_log_names_the_trace_if_there_is_one() -> None:
    assert with_trace_id(None, "info", {"event": "vendor_call"}) == {"event": "vendor_call"}
    with attached(TraceContext(TRACE, SPAN, is_sampled=False)):
        assert with_trace_id(None, "info", {"event": "vendor_call"}) == {"event": "vendor_call", "trace_id": TRACE}
