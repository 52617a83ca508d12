"""Records spans with OpenTelemetry's SDK. Only `traces.process` and tests import this module, where traces are on.

The tracer is our own and no global one: libraries that look for a global tracer find none, so they add no span with a
URL or a statement in it.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Thread
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from schemas.trace_context import TraceContext
from traces.names import Attribute, SpanKind
from traces.spans import Attributes

_NS: Final = 1_000_000_000

# A collector that is away must not hold up the end of a process.
_END_SECONDS: Final = 5.0


class SdkSpan:
    """A span of OpenTelemetry's SDK."""

    def __init__(self, span: Span, parent: TraceContext | None) -> None:
        self._span = span
        found = span.get_span_context()
        # Without a valid context, OpenTelemetry is switched off by a variable of its own.
        self._context = _ours(found) if found.is_valid else parent

    @property
    def context(self) -> TraceContext | None:
        """The place of the span in its trace."""
        return self._context

    def set(self, attributes: Attributes) -> None:
        """Add attributes."""
        self._span.set_attributes(_present(attributes))

    def rename(self, name: str) -> None:
        """Give the span another name."""
        self._span.update_name(name)

    def fail(self, error: str) -> None:
        """Say that the work failed. The status has no text, because texts of errors quote rows and vendors."""
        self._span.set_attribute(Attribute.ERROR.value, error)
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self, at: float | None = None) -> None:
        """End the span."""
        self._span.end(None if at is None else int(at * _NS))


class SdkRecorder:
    """Records spans with a provider of OpenTelemetry's. The provider makes ids by `Ids`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("reelworks")

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
    ) -> SdkSpan:
        """Begin a span."""
        # An empty context: a span of somebody else's tracer is never the parent.
        above = Context() if parent is None else set_span_in_context(NonRecordingSpan(_theirs(parent)), Context())
        with _chosen(span_id):
            span = self._tracer.start_span(
                name,
                context=above,
                kind=trace.SpanKind[kind],
                attributes=_present(attributes),
                links=[Link(_theirs(link)) for link in links],
                start_time=int(began_at * _NS),
            )
        return SdkSpan(span, parent)

    def end(self) -> None:
        """Send the spans that wait, for some seconds at most."""
        sending = Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        sending.start()
        sending.join(_END_SECONDS)


def provider_for(process: str, role: str) -> TracerProvider:
    """A provider for a process, as OpenTelemetry's variables say. It exports nothing yet.

    Args:
        process: the name of the process, such as `provider2`.
        role: a worker's role, or `gateway`.
    """
    given = Resource.create({}).attributes
    name = str(given["service.name"])
    ours = {
        # A name from OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES wins.
        "service.name": f"reelworks-{role}" if name.startswith("unknown_service") else name,
        "service.namespace": given.get("service.namespace", "reelworks"),
        "service.instance.id": f"{process}#{os.getpid()}",
    }
    return TracerProvider(resource=Resource.create(ours), id_generator=Ids(), shutdown_on_exit=False)


def exporting(process: str, role: str) -> SdkRecorder:
    """A recorder that sends spans in batches to the collector that OpenTelemetry's variables name."""
    provider = provider_for(process, role)
    if os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() != "none":
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return SdkRecorder(provider)


class Ids(RandomIdGenerator):
    """Random ids, and the span's id where the caller has chosen one."""

    def generate_span_id(self) -> int:
        """The id of the span that begins now."""
        return _wanted.get() or super().generate_span_id()


_wanted: ContextVar[int] = ContextVar("wanted span id", default=0)


@contextmanager
def _chosen(span_id: str | None) -> Iterator[None]:
    token = _wanted.set(int(span_id or "0", 16))
    try:
        yield
    finally:
        _wanted.reset(token)


def _ours(context: SpanContext) -> TraceContext:
    return TraceContext(f"{context.trace_id:032x}", f"{context.span_id:016x}", context.trace_flags.sampled)


def _theirs(context: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if context.is_sampled else TraceFlags.DEFAULT)
    return SpanContext(int(context.trace_id, 16), int(context.span_id, 16), is_remote=True, trace_flags=flags)


def _present(attributes: Attributes) -> Mapping[str, str | int]:
    return {name.value: value for name, value in attributes.items() if value is not None}
