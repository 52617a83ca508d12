"""The trace of the present work, as W3C Trace Context writes it (https://www.w3.org/TR/trace-context/).

A context crosses processes as the text `traceparent`. Nothing here needs OpenTelemetry: without spans of ours, a trace
that a caller began is still named in our log lines.
"""

import re
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from structlog.types import EventDict

HEADER: Final = "traceparent"
"""The name of the header, of the field and of the column."""

_SAMPLED: Final = 0x01
_ZEROS: Final = frozenset({"0" * 32, "0" * 16})

# Later versions may add parts to the end.
_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A place in a trace."""

    trace_id: str
    """The trace: 32 hexadecimal digits."""
    span_id: str
    """The span under which further spans go: 16 hexadecimal digits."""
    is_sampled: bool
    """Whether the spans of the trace are recorded."""

    @classmethod
    def read(cls, text: object) -> Self | None:
        """The context that a text stands for. None: the text is no valid `traceparent`, so the trace begins anew."""
        found = _FORM.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            return None
        version, trace_id, span_id, flags, rest = found.groups()
        if version == "ff" or (version == "00" and rest) or not _ZEROS.isdisjoint({trace_id, span_id}):
            return None
        return cls(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))

    @property
    def traceparent(self) -> str:
        """The text for another process: 55 characters."""
        return f"00-{self.trace_id}-{self.span_id}-0{self.is_sampled:d}"


_current: ContextVar[TraceContext | None] = ContextVar("trace", default=None)


def current() -> TraceContext | None:
    """The place of the present work. None: the work belongs to no trace."""
    return _current.get()


def current_trace_id() -> str | None:
    """The trace of the present work. None: the work belongs to no trace.

    The spans of this trace are recorded only if `current().is_sampled`: a link to another trace leads nowhere.
    """
    context = _current.get()
    return None if context is None else context.trace_id


class attached:  # noqa: N801 -- used as a function, and quicker than a generator
    """Does the work of a block in a trace. None: in no trace."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: TraceContext | None) -> None:
        self._context = context

    def __enter__(self) -> None:
        self._token: Token[TraceContext | None] = _current.set(self._context)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _current.reset(self._token)


def with_trace_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Add the trace of the present work to a line of the log, if there is one."""
    context = _current.get()
    if context is not None:
        event.setdefault("trace_id", context.trace_id)
    return event
