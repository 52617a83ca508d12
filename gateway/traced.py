"""The span of a request, and the trace that a request belongs to.

An order begins a trace, or goes on with the caller's. A callback of a vendor goes on with the trace of its generation.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.datastructures import Headers
from starlette.types import Scope

from gateway import measured
from gateway.head import READS
from schemas.trace_context import HEADER, TraceContext, attached
from traces import spans
from traces.names import Attribute, SpanKind

_OUR_FAULT = 500


class RequestSpan:
    """The span of one request."""

    def __init__(self, method: str, caller: TraceContext | None) -> None:
        """Begin.

        Args:
            caller: the place of the request in the caller's trace. None: there is none.
        """
        self._method = method
        self._began_at = time.time()
        self._span = self._begin(caller)

    @property
    def context(self) -> TraceContext | None:
        """The place of the request in its trace."""
        return self._span.context

    @property
    def span_id(self) -> str | None:
        """The id of the span. None: there is none."""
        return None if self._span.context is None else self._span.context.span_id

    def moves_to(self, place: TraceContext) -> None:
        """Make the request a part of another trace, from its beginning. The id of its span stays."""
        # The span of before never ends, so it is not recorded.
        self._span = self._begin(place, span_id=self.span_id)

    def _begin(self, parent: TraceContext | None, span_id: str | None = None) -> spans.OpenSpan:
        return spans.begin(
            self._method, SpanKind.SERVER, {Attribute.METHOD: self._method}, parent=parent, began_at=self._began_at,
            span_id=span_id,
        )  # fmt: skip

    def end(self, scope: Scope, status: int | None) -> None:
        """End with the answer. None: the client left before."""
        route = measured.template(scope)
        if route is not None:
            self._span.rename(f"{self._method} {route}")
        self._span.set({Attribute.ROUTE: route, Attribute.STATUS: status})
        if status is not None and status >= _OUR_FAULT:
            self._span.fail(str(status))
        self._span.end()


_current: ContextVar[RequestSpan | None] = ContextVar("request span", default=None)


@contextmanager
def request(scope: Scope) -> Iterator[RequestSpan | None]:
    """Serve a request in its trace. None: the request has no span.

    A read begins no trace: the reads of a client that waits would outnumber all else.
    """
    caller = _caller(scope)
    if not spans.are_on() or (caller is None and scope["method"] in READS):
        with attached(caller):
            yield None
        return
    span = RequestSpan(scope["method"], caller)
    token = _current.set(span)
    try:
        with attached(span.context):
            yield span
    finally:
        _current.reset(token)


def _caller(scope: Scope) -> TraceContext | None:
    given = Headers(scope=scope).getlist(HEADER)
    return TraceContext.read(given[0]) if len(given) == 1 else None


def span_id() -> str | None:
    """The span of the present request. None: there is none."""
    span = _current.get()
    return None if span is None else span.span_id


def belongs_to(traceparent: str | None) -> None:
    """Make the present request a part of a generation's trace."""
    span, place = _current.get(), TraceContext.read(traceparent)
    if span is not None and place is not None:
        span.moves_to(place)
