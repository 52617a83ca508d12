"""What tests see of spans: those of this process, and those that processes send by OTLP."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler

from schemas.trace_context import TraceContext
from tests.support import eventually
from traces import spans
from traces.recorder import Ids, SdkRecorder


@dataclass(frozen=True)
class Seen:
    """A span that was recorded."""

    name: str
    """The name."""
    kind: str
    """`SERVER`, `CLIENT`, `CONSUMER` or `INTERNAL`."""
    trace_id: str
    """The trace."""
    span_id: str
    """The span."""
    parent_id: str | None
    """The span above. None: the first of the trace."""
    links: list[str]
    """The spans that links lead to, in the same trace."""
    attributes: Mapping[str, object]
    """The attributes."""
    is_failed: bool
    """Whether the status is an error."""
    seconds: float
    """The length."""
    service: str = ""
    """The name of the service."""

    @property
    def context(self) -> TraceContext:
        """The place of the span."""
        return TraceContext(self.trace_id, self.span_id, is_sampled=True)


@contextmanager
def recording(sampler: Sampler | None = None) -> Iterator["Recorded"]:
    """Record the spans of this process during the block."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(sampler or ParentBased(ALWAYS_ON), id_generator=Ids(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    spans.use(SdkRecorder(provider))
    try:
        yield Recorded(kept)
    finally:
        spans.use(None)
        provider.shutdown()


@dataclass(frozen=True)
class Recorded:
    """The spans of this process."""

    kept: InMemorySpanExporter
    """Keeps them."""

    @property
    def all(self) -> list[Seen]:
        """The spans that have ended, the first to end first."""
        return [_of_sdk(span) for span in self.kept.get_finished_spans()]

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [span.name for span in self.all]

    def one(self, name: str) -> Seen:
        """The only span of a name."""
        (span,) = [span for span in self.all if span.name == name]
        return span

    def until(self, count: int) -> list[Seen]:
        """So many spans. A gateway ends the span of a request after the client has its answer."""
        return eventually(lambda: self.all, lambda spans: len(spans) >= count)


def _of_sdk(span: ReadableSpan) -> Seen:
    assert span.context is not None
    assert span.start_time is not None
    assert span.end_time is not None
    assert all(link.context.trace_id == span.context.trace_id for link in span.links)
    return Seen(
        name=span.name,
        kind=span.kind.name,
        trace_id=f"{span.context.trace_id:032x}",
        span_id=f"{span.context.span_id:016x}",
        parent_id=None if span.parent is None else f"{span.parent.span_id:016x}",
        links=[f"{link.context.span_id:016x}" for link in span.links],
        attributes=dict(span.attributes or {}),
        is_failed=not span.status.is_ok,
        seconds=(span.end_time - span.start_time) / 1e9,
    )


@dataclass
class Collector:
    """A collector of OpenTelemetry: takes spans by OTLP over HTTP, and keeps them."""

    url: str
    """What `OTEL_EXPORTER_OTLP_ENDPOINT` says."""
    bodies: list[bytes] = field(default_factory=list)
    """The requests as they came."""

    @property
    def spans(self) -> list[Seen]:
        """Every span that has come, the first to begin first."""
        found: list[tuple[int, Seen]] = []
        for body in list(self.bodies):
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = str(_plain(of_resource.resource.attributes)["service.name"])
                for of_scope in of_resource.scope_spans:
                    found += [(span.start_time_unix_nano, _of_otlp(span, service)) for span in of_scope.spans]
        return [span for _, span in sorted(found, key=lambda pair: pair[0])]

    def of_trace(self, trace_id: str) -> list[Seen]:
        """The spans of a trace."""
        return [span for span in self.spans if span.trace_id == trace_id]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_right = (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
            if is_right:
                collector.bodies.append(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200 if is_right else 404)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the standard library
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


def _of_otlp(span: Span, service: str) -> Seen:
    assert all(link.trace_id == span.trace_id for link in span.links)
    return Seen(
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        links=[link.span_id.hex() for link in span.links],
        attributes=_plain(span.attributes),
        is_failed=span.status.code == Status.STATUS_CODE_ERROR,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
        service=service,
    )


def _plain(attributes: Iterable[KeyValue]) -> dict[str, object]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: AnyValue) -> object:
    return getattr(value, str(value.WhichOneof("value")))
