"""Sends all HTTP calls to the vendors' APIs: limits, error classes, and one log line for each call.

The error of a call without an answer depends on the call. A read is safe to repeat. A create is safe to repeat only if
its body never left or the vendor refused it; every other create has an unknown outcome.
"""

import json
import math
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import cached_property
from urllib.parse import urlsplit

import httpx
import structlog

from metrics.families import PROVIDER_CALL_SECONDS, PROVIDER_CALLS
from metrics.labels import Answered, CallKind
from providers.http import call_log, embedded
from providers.http.addresses import AddressPolicy
from providers.http.calls import Call, Form, Raw, Reply
from providers.http.encodings import decoded, is_encoded
from providers.http.network import USER_AGENT, LimitedTransport
from providers.http.retry_after import retry_after
from schemas.errors import DownloadError, LeaseLost
from schemas.json_values import count_values, structure
from schemas.provider_errors import ProviderBadResponse, ProviderError, ProviderOutcomeUnknown, ProviderUnavailable
from traces import spans
from traces.names import Attribute, SpanKind

MAX_REPLY_BYTES = 4 * 1024 * 1024
MOST_REPLY_VALUES = 100_000
"""The limit of commas and brackets outside the texts of an answer. For a million, a parser needs a second."""
MAX_FILE_BYTES = 64 * 1024 * 1024
"""The limit of a kept file (`Call.keeps_file`), which is an image."""

EMBEDDED_FILE = "#embedded-file-"
"""Ends a link to a `data:` URI in an answer: the answer's URL comes before, the number of earlier URIs after."""

_MAX_CONNECTIONS = 32
_CONNECT_SECONDS = 10.0
_FIRST_ERROR = 400

_HEADERS = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"}

_Part = tuple[str | None, bytes, str | None]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Transport:
    """The HTTP connections of a process, for all vendors and threads.

    `policy` applies to calls with `is_elsewhere`; the default allows public addresses. `secrets` are the keys of every
    account: no message repeats them. `http` replaces the network in tests; `close` closes it too.
    """

    def __init__(
        self,
        *,
        policy: AddressPolicy | None = None,
        secrets: Iterable[str] = (),
        http: httpx.BaseTransport | None = None,
    ) -> None:
        self.secrets = tuple(secrets)
        self._clock = _CallClock()
        self._reads = http or self._network(keep=_MAX_CONNECTIONS)
        # A new connection for each create: a vendor can close a kept connection while we write, and then the outcome of
        # the create is unknown. The price is a round trip.
        self._creates = http or self._network(keep=0)
        self._elsewhere = http or self._network(keep=0, policy=policy or AddressPolicy())

    def _network(self, *, keep: int, policy: AddressPolicy | None = None) -> httpx.BaseTransport:
        # A transport, not an `httpx.Client`: calls need no redirects or cookies, and a client would take most of the
        # CPU time of a call.
        limits = httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=keep, keepalive_expiry=15)
        return LimitedTransport(time_left=self._clock.left, limits=limits, policy=policy)

    def send(self, call: Call) -> Reply:
        """Make a call and read the answer, whatever its status.

        Raises:
            LeaseLost: the fence stopped the create.
            ProviderUnavailable: a read got no answer, or a create never left.
            ProviderOutcomeUnknown: a create may have left and got no answer.
            ProviderBadResponse: the answer to a read exceeds `MAX_REPLY_BYTES` or `MOST_REPLY_VALUES`.
        """
        started, began_at = self._clock.start(call.timeout_seconds), datetime.now(UTC)
        status: int | None = None
        failure: str | None = None
        body = _Body(call)
        try:
            reply = self._exchange(call, body)
            status = reply.status
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, DownloadError) as error:
            failure = type(error).__name__
            # `from None`: the cause can quote the header with our key.
            raise _lost(call, error, has_left=body.has_left) from None
        except (ProviderError, LeaseLost) as error:
            failure = type(error).__name__
            raise
        finally:
            seconds = round(time.monotonic() - started, 3)
            made = call_log.MadeCall(began_at, call.operation, status, failure, seconds)
            call_log.remember(made)
            _count(call, status, failure, seconds)
            _trace(call, began_at, status, failure)
            log.info(
                "vendor_call",
                provider=call.provider,
                operation=call.operation,
                status=status,
                failure=failure,
                seconds=seconds,
            )
        return reply

    def _exchange(self, call: Call, body: "_Body") -> Reply:
        seconds = call.timeout_seconds
        connect_seconds = min(seconds, _CONNECT_SECONDS)
        timeout = httpx.Timeout(connect=connect_seconds, read=seconds, write=seconds, pool=connect_seconds)
        request = httpx.Request(
            call.method,
            call.url,
            headers={**_HEADERS, **call.headers, **body.headers},
            params=call.params,
            content=None if call.body is None else body,
            extensions={"timeout": timeout.as_dict()},
        )
        with closing(self._network_of(call).handle_request(request)) as response:
            content, files = bytearray(), _Files(call, request)
            for chunk in files.taken_out(_decoded(response)):
                content += chunk
                if len(content) > MAX_REPLY_BYTES:
                    raise _too_large(call, f"{MAX_REPLY_BYTES} bytes")
            if count_values(structure(bytes(content))) > MOST_REPLY_VALUES:
                raise _too_large(call, f"{MOST_REPLY_VALUES} commas and brackets")
            headers = response.headers
            return Reply(call, response.status_code, bytes(content), retry_after(headers), files.first, headers)

    def _network_of(self, call: Call) -> httpx.BaseTransport:
        if call.is_elsewhere:
            return self._elsewhere
        return self._creates if call.is_create else self._reads

    def close(self) -> None:
        """Close every connection."""
        self._reads.close()
        self._creates.close()
        self._elsewhere.close()


class _CallClock(threading.local):
    """The time limit of this thread's current call."""

    ends_at = math.inf

    def start(self, seconds: float) -> float:
        """Begin a call that may take `seconds`. Returns the start time."""
        now = time.monotonic()
        self.ends_at = now + seconds
        return now

    def left(self) -> float:
        return self.ends_at - time.monotonic()


class _Body(httpx.SyncByteStream):
    """A request body that records whether it was sent.

    httpx reads the body after it has connected and sent the head. If the body was never read, the vendor cannot have
    accepted the create, because the announced Content-Length never arrived.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self.has_left = False

    @cached_property
    def _encoded(self) -> tuple[str, bytes]:
        """The Content-Type and the encoded body."""
        if isinstance(self._call.body, Form):
            return _multipart(self._call.body)
        if isinstance(self._call.body, Raw):
            return self._call.body.content_type, self._call.body.content
        text = json.dumps(self._call.body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return "application/json", text.encode()

    @property
    def headers(self) -> dict[str, str]:
        """The headers that describe the body."""
        if self._call.body is None:
            return {}
        content_type, content = self._encoded
        return {"Content-Type": content_type, "Content-Length": str(len(content))}

    def __iter__(self) -> Iterator[bytes]:
        if self._call.fence is not None:
            self._call.fence()
        self.has_left = True
        yield self._encoded[1]


class _Files:
    """The files in an answer: the texts of the call's `elide`, and `data:` URIs."""

    def __init__(self, call: Call, request: httpx.Request) -> None:
        self._call = call
        # Only a read can be repeated for its file.
        self._url = str(request.url) if call.method == "GET" else ""
        self._kept = [embedded.Kept(MAX_FILE_BYTES), embedded.Kept(MAX_FILE_BYTES)] if call.keeps_file else []

    @property
    def first(self) -> bytes:
        """The file, if the call keeps one."""
        return next((bytes(kept.content) for kept in self._kept if kept.content), b"")

    def taken_out(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The answer without its files. A `data:` URI becomes a link to this place of the same answer."""
        of_uris, of_member = self._kept or (None, None)
        chunks = embedded.with_links(self._limited(chunks), self._link, of_uris)
        if self._call.elide is not None:
            chunks = embedded.without_files(chunks, self._call.elide, of_member)
        return self._limited(chunks)

    def _limited(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks, up to the limit of a file. A long file adds nothing to the answer without its files."""
        for chunk in chunks:
            if any(kept.is_too_large for kept in self._kept):
                raise _too_large(self._call, f"{MAX_FILE_BYTES} bytes")
            yield chunk

    def _link(self, number: int) -> str:
        return f"{self._url}{EMBEDDED_FILE}{number}" if self._url else ""


def _count(call: Call, status: int | None, failure: str | None, seconds: float) -> None:
    kind = CallKind.CREATE if call.is_create else CallKind.READ
    PROVIDER_CALLS.add(call.provider, kind, _answered(status, failure))
    PROVIDER_CALL_SECONDS.observe(call.provider, kind, seconds=seconds)


def _trace(call: Call, began_at: datetime, status: int | None, failure: str | None) -> None:
    """Record the span of a call. Of the URL only the host: a path or a query may hold a key."""
    if not spans.are_on():
        return
    attributes = {
        Attribute.PROVIDER: call.provider, Attribute.OPERATION: call.operation, Attribute.METHOD: call.method,
        Attribute.STATUS: status, Attribute.HOST: _host(call),
    }  # fmt: skip
    is_refusal = status is not None and status >= _FIRST_ERROR
    error = failure or (str(status) if is_refusal else None)
    name = f"{call.method} {call.operation}"
    spans.record(name, SpanKind.CLIENT, attributes, began_at=began_at.timestamp(), error=error)


def _host(call: Call) -> str | None:
    """The host of a call. None: the vendor supplied the URL."""
    if call.is_elsewhere:
        return None
    try:
        return urlsplit(call.url).hostname
    except ValueError:
        return None


def _answered(status: int | None, failure: str | None) -> Answered:
    match status:
        case None:
            return Answered.NOT_SENT if failure == LeaseLost.__name__ else Answered.NO_ANSWER
        case 429:
            return Answered.TOO_MANY
        case _ if 200 <= status < 300:
            return Answered.SUCCESS
        case _ if 400 <= status < 500:
            return Answered.REFUSED
        case _:
            return Answered.ERROR


def _multipart(form: Form) -> tuple[str, bytes]:
    # httpx encodes `files` as `multipart/form-data`. An entry without a file name becomes a text field.
    parts: list[tuple[str, _Part]] = [(name, (None, value.encode(), None)) for name, value in form.fields.items()]
    if form.file is not None:
        parts.append((form.file.name, (form.file.file_name, form.file.content, form.file.content_type)))
    written = httpx.Request("POST", "", files=parts)
    return written.headers["Content-Type"], written.read()


def _decoded(response: httpx.Response) -> Iterator[bytes]:
    """The body. httpx would decode any number of layers at once, so 3 kB could become 3 GB in memory.

    Raises:
        DownloadError: the body has an encoding that we did not ask for, other than one layer of gzip.
    """
    return decoded(response.iter_raw()) if is_encoded(response) else response.iter_bytes()


def _lost(call: Call, error: Exception, *, has_left: bool) -> ProviderError:
    text = f"{call.provider} gave no answer to {call.operation} ({type(error).__name__})"
    family = ProviderOutcomeUnknown if call.is_create and has_left else ProviderUnavailable
    return family(text, is_silence=True)


def _too_large(call: Call, most: str) -> ProviderError:
    text = f"{call.provider} answered {call.operation} with more than {most}"
    return ProviderOutcomeUnknown(text) if call.is_create else ProviderBadResponse(text)
