"""Bounds every connection in size and time, before a request reaches the application.

uvicorn reads a head of any size, and waits for its rest without end. This protocol adds the limits of
`schemas.setting_groups.ConnectionSettings` to uvicorn's protocol:

- A head has a limit of bytes and of fields, and a time limit. The same holds for what follows a body (trailers).
- A body must arrive at a least rate. Time in which the application reads nothing does not count.
- A client must read the answer.
- A refusal is in the dialect of the request's path, once the path is known.
- Above the limit of connections, the connection that has waited longest without a complete head is closed. An honest
  client sends its head at once, so a flood of silent connections displaces only itself.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from fastapi.responses import Response
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gateway.problems import BadRequest, ErrorForm, HeadTooLarge, RequestTimeout
from schemas.errors import RequestError, Unavailable
from schemas.setting_groups import ConnectionSettings

log = structlog.get_logger()

END_STREAMS = "reelworks.end_streams"
"""The name in the application's state of the function that ends all streams. Called when the server stops."""

# The parser gets the bytes in parts of this size, so it never works longer before the limits are checked.
_PART_BYTES = 16 * 1024

# Requests that wait for the answer to the one before. Clients of today wait for each answer; a stranger that sends many
# at once would have as many turns as customers who wait.
_MOST_PIPELINED = 2

# Each part of a body costs the parser the same, so parts of a byte would block all other requests.
_FREE_PARTS = 1000
_LEAST_PART_BYTES = 32

# The parser also takes a request line without a version, as HTTP/0.9 had it.
_VERSIONS = frozenset({"1.0", "1.1"})

# After an early answer, a client may still be sending. It needs a moment to read the answer before the connection ends.
_LINGER_SECONDS = 1.0


def bounded_protocol(
    limits: ConnectionSettings, form_of: Callable[[str], ErrorForm]
) -> Callable[..., "BoundedProtocol"]:
    """Returns the factory of protocols for `uvicorn.Config(http=…)`.

    Args:
        form_of: the form of errors at a path.
    """
    waiting: dict[BoundedProtocol, None] = {}

    def make(
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> BoundedProtocol:
        return BoundedProtocol(config, server_state, app_state, _loop, limits=limits, form_of=form_of, waiting=waiting)

    return make


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `waiting` holds the connections of the process without a complete head, the oldest first."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop | None,
        *,
        limits: ConnectionSettings,
        form_of: Callable[[str], ErrorForm],
        waiting: "dict[BoundedProtocol, None]",
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self._limits = limits
        self._form_of = form_of
        self._waiting = waiting
        self._refusal: RequestError | None = None
        self._is_refused = False
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        # Bytes that brought neither a complete head nor a part of a body.
        self._fruitless_bytes = 0
        self._head_bytes = 0
        self._fields = 0
        self._is_in_head = False
        self._is_in_body = False
        self._body_began_at = 0.0
        self._body_bytes = 0
        self._body_parts = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > self._limits.max_connections:
            oldest = next(iter(self._waiting))
            oldest.refuse(Unavailable("too many connections are open: connect again later"), lingers=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.pop(self, None)
        self._stop_timer()
        self._stop_write_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._timer is None and not self._is_in_body and self._unanswered() is None:
            self._await_head()
        for start in range(0, len(data), _PART_BYTES):
            if self._is_refused or self.transport.is_closing():
                return
            part = data[start : start + _PART_BYTES]
            self._fruitless_bytes += len(part)
            super().data_received(part)
            if self._fruitless_bytes > self._limits.max_head_bytes:
                self.refuse(self._large_head())

    def _unanswered(self) -> RequestResponseCycle | None:
        """The latest request, if its answer is not complete."""
        # uvicorn's type omits None, the value before the first request.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return None if cycle is None or cycle.response_complete else cycle

    def _await_head(self) -> None:
        self._waiting[self] = None
        self._timer = self.loop.call_later(self._limits.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        self.refuse(RequestTimeout(f"the head of a request must arrive within {self._limits.head_seconds:g} s"))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._head_bytes = self._fields = 0

    def on_url(self, url: bytes) -> None:
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields += 1
        if self._fields > self._limits.max_head_fields:
            raise self._refused(HeadTooLarge(f"the head may have up to {self._limits.max_head_fields} fields"))
        self._count_head(len(name) + len(value))
        super().on_header(name, value)

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self._limits.max_head_bytes:
            raise self._refused(self._large_head())

    def _large_head(self) -> HeadTooLarge:
        return HeadTooLarge(f"the head may have up to {self._limits.max_head_bytes} bytes")

    def _refused(self, problem: RequestError) -> RequestError:
        """Keeps the problem for `send_400_response`: the parser replaces an exception from its callbacks."""
        self._refusal = problem
        return problem

    def on_headers_complete(self) -> None:
        if self.parser.get_http_version() not in _VERSIONS:
            raise self._refused(BadRequest("speak HTTP/1.1 or HTTP/1.0"))
        if len(self.pipeline) >= _MOST_PIPELINED:
            raise self._refused(BadRequest(f"wait for answers: send up to {_MOST_PIPELINED} requests ahead"))
        self._fruitless_bytes = 0
        self._waiting.pop(self, None)
        self._stop_timer()
        self._is_in_head = False
        self._is_in_body = True
        self._body_bytes = self._body_parts = 0
        self._await_body()
        super().on_headers_complete()

    def _await_body(self) -> None:
        self._body_began_at = self.loop.time() - self._body_bytes / self._limits.least_bytes_per_second
        self._timer = self.loop.call_later(self._limits.body_seconds, self._body_may_be_late)

    def _body_may_be_late(self) -> None:
        if self.flow.read_paused:
            self._await_body()
            return
        seconds = self._limits.body_seconds + self._body_bytes / self._limits.least_bytes_per_second
        left = self._body_began_at + seconds - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._body_may_be_late)
        else:
            self.refuse(RequestTimeout(f"the body came too slowly: {self._body_bytes} bytes in {seconds:.0f} s"))

    def on_body(self, body: bytes) -> None:
        self._fruitless_bytes = 0
        self._body_bytes += len(body)
        self._body_parts += 1
        if self._body_parts > _FREE_PARTS and self._body_bytes < self._body_parts * _LEAST_PART_BYTES:
            raise self._refused(BadRequest(f"send chunks of at least {_LEAST_PART_BYTES} bytes"))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._fruitless_bytes = 0
        self._is_in_body = False
        self._stop_timer()
        super().on_message_complete()
        if self._unanswered() is None:
            # The answer came before the end of the body, which has stopped uvicorn's timer of an idle connection.
            self._waiting[self] = None
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self._is_in_body and not self.pipeline:
            self._stop_timer()
            self._timer = self.loop.call_later(_LINGER_SECONDS, self.transport.close)
        elif self._unanswered() is None and self._is_in_head:
            self._unset_keepalive_if_required()
            self._await_head()
        elif self._unanswered() is None:
            self._waiting[self] = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_timer = self.loop.call_later(self._limits.idle_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_write_timer()

    def shutdown(self) -> None:
        # A stream has no end of its own. Without this call, a stop would wait for its time limit.
        if (end_streams := self.app_state.get(END_STREAMS)) is not None:
            end_streams()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        self.refuse(self._refusal or BadRequest(msg))

    def refuse(self, problem: RequestError, *, lingers: bool = True) -> None:
        """Answer with a problem, if no answer has begun, and end the connection.

        `lingers`: read and drop for a moment what the client is sending. Otherwise the client may lose the answer.
        """
        if self._is_refused or self.transport.is_closing():
            return
        log.info("connection_refused", status=problem.http_status, detail=problem.detail)
        self._is_refused = True
        self._waiting.pop(self, None)
        self._stop_timer()
        if (cycle := self._unanswered()) is not None:
            cycle.disconnected = True
            cycle.message_event.set()
            # Before a pipelined request, the answer to an earlier one is under way: no other answer fits there.
            if cycle.response_started or self.pipeline:
                self.transport.abort()
                return
        self.flow.resume_reading()
        self.transport.write(_answer(self._form_of(self._path())(problem)))
        if lingers:
            self._timer = self.loop.call_later(_LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def _path(self) -> str:
        """The path of the request that is being received, as far as it is there. Empty between requests."""
        if not self._is_in_head and not self._is_in_body:
            return ""
        target = self.url.decode("latin-1")
        if target.startswith("/"):
            return target
        # A client of a proxy sends the whole URL.
        try:
            return urlsplit(target).path
        except ValueError:
            return ""

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None


def _answer(refusal: Response) -> bytes:
    headers = b"".join(b"%b: %b\r\n" % header for header in refusal.raw_headers)
    return STATUS_LINE[refusal.status_code] + headers + b"connection: close\r\n\r\n" + bytes(refusal.body)
