"""Makes the spans of this process where traces are switched on. Where they are off, each call costs one comparison.

A span is a child of the present place in a trace (`schemas.trace_context`), and the present place while its block runs.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol

from schemas.trace_context import TraceContext, attached, current
from traces.names import Attribute, SpanKind

Attributes = Mapping[Attribute, str | int | None]
"""The attributes of a span. None leaves an attribute out."""


class OpenSpan(Protocol):
    """A span that has begun."""

    @property
    def context(self) -> TraceContext | None:
        """The place of the span in its trace. None: there is no trace."""

    def set(self, attributes: Attributes) -> None:
        """Add attributes."""

    def rename(self, name: str) -> None:
        """Give the span another name."""

    def fail(self, error: str) -> None:
        """Say that the work failed, with the class or the code of the error."""

    def end(self, at: float | None = None) -> None:
        """End the span. None: now. A span that does not end is not recorded."""


class Recorder(Protocol):
    """Records spans."""

    def begin(
        self,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        *,
        parent: TraceContext | None,
        links: Sequence[TraceContext],
        began_at: float,
        span_id: str | None,
    ) -> OpenSpan:
        """Begin a span.

        Args:
            parent: None: the span begins a trace.
            began_at: Unix seconds.
            span_id: None: a new one.
        """


_recorder: Recorder | None = None


def use(recorder: Recorder | None) -> None:
    """Record the spans of this process. None: record no span."""
    global _recorder
    _recorder = recorder


def are_on() -> bool:
    """Whether this process records spans. A caller asks before it gathers attributes."""
    return _recorder is not None


class _NoSpan:
    """Stands for a span where spans are off. It is a block, too."""

    __slots__ = ()

    @property
    def context(self) -> TraceContext | None:
        return current()

    def set(self, attributes: Attributes) -> None:
        pass

    def rename(self, name: str) -> None:
        pass

    def fail(self, error: str) -> None:
        pass

    def end(self, at: float | None = None) -> None:
        pass

    def __enter__(self) -> OpenSpan:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


NO_SPAN = _NoSpan()
"""The span of a process that records none."""


class _Block:
    """Ends a span after a block, and is the present place meanwhile."""

    __slots__ = ("_place", "_span")

    def __init__(self, span: OpenSpan) -> None:
        self._span = span
        self._place = attached(span.context)

    def __enter__(self) -> OpenSpan:
        self._place.__enter__()
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._place.__exit__(kind, error, trace)
        if kind is not None:
            self._span.fail(kind.__name__)
        self._span.end()


def begin(
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    *,
    parent: TraceContext | None = None,
    links: Sequence[TraceContext] = (),
    began_at: float | None = None,
    span_id: str | None = None,
) -> OpenSpan:
    """Begin a span that the caller ends.

    Args:
        parent: None: the present place, or else a trace begins.
        links: other spans that the work follows from.
        began_at: Unix seconds. None: now.
        span_id: None: a new one.
    """
    if _recorder is None:
        return NO_SPAN
    return _recorder.begin(
        name, kind, attributes, parent=parent or current(), links=links,
        began_at=time.time() if began_at is None else began_at, span_id=span_id,
    )  # fmt: skip


def span(
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    *,
    parent: TraceContext | None = None,
    links: Sequence[TraceContext] = (),
) -> AbstractContextManager[OpenSpan]:
    """A block whose work is a span. An error that leaves the block fails the span. Takes the arguments of `begin`."""
    return NO_SPAN if _recorder is None else _Block(begin(name, kind, attributes, parent=parent, links=links))


def record(
    name: str,
    kind: SpanKind,
    attributes: Attributes,
    *,
    parent: TraceContext | None = None,
    began_at: float,
    ended_at: float | None = None,
    error: str | None = None,
) -> None:
    """Record work that is over and had no parts. Does nothing outside of a trace: such work begins none.

    Args:
        parent: None: the present place.
        began_at: Unix seconds.
        ended_at: None: now.
        error: the class or the code of the error. None: the work succeeded.
    """
    if _recorder is None or (parent is None and current() is None):
        return
    done = begin(name, kind, attributes, parent=parent, began_at=began_at)
    if error is not None:
        done.fail(error)
    done.end(ended_at)
