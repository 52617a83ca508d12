import gzip
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes

import httpx
import pytest

from providers.base import Fence
from providers.http.calls import Call, Form, FormFile
from providers.http.retry_after import MAX_RETRY_AFTER_SECONDS, retry_after_seconds
from providers.http.transport import Transport
from schemas.errors import LeaseLost
from schemas.provider_errors import ProviderBadResponse, ProviderError, ProviderOutcomeUnknown, ProviderUnavailable

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("100000", MAX_RETRY_AFTER_SECONDS),
        ("9" * 400, MAX_RETRY_AFTER_SECONDS),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30),
        ("Fri, 20 Nov 2026 12:00:30 -0000", 30),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("Fri, 20 Nov 2099 12:00:00 GMT", MAX_RETRY_AFTER_SECONDS),
        ("-7", None),
        ("7.5", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("Fri, 20 Nov 99999 12:00:00 GMT", None),
        ("Fri, 20 Nov 99999999999 12:00:00 GMT", None),
        ("Fri, 20 Nov 2026 12:00:00 +99999999999999", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, now=NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After-Ms": "1500", "Retry-After": "7"}, 1.5),
        ({"Retry-After-Ms": "1500"}, 1.5),
        ({"Retry-After-Ms": "9" * 400}, MAX_RETRY_AFTER_SECONDS),
        ({"Retry-After-Ms": "soon", "Retry-After": "7"}, 7),
        ({"Retry-After": "7"}, 7),
        ({}, None),
    ],
)
def test_retry_after_ms_has_priority(headers: dict[str, str], seconds: float | None) -> None:
    vendor = httpx.MockTransport(lambda _: httpx.Response(429, headers=headers))
    assert Transport(http=vendor).send(_create()).retry_after == seconds


LOSSES: list[Exception] = [
    httpx.ConnectError("x"),
    httpx.ConnectTimeout("x"),
    httpx.PoolTimeout("x"),
    httpx.LocalProtocolError("x"),
    httpx.InvalidURL("x"),
    httpx.WriteTimeout("x"),
    httpx.ReadTimeout("x"),
    httpx.ReadError("x"),
    httpx.RemoteProtocolError("x"),
    UnicodeError("x"),
]


class _Loses(httpx.BaseTransport):
    """Loses a request, before or after reading the body."""

    def __init__(self, loss: Exception, *, takes_body: bool) -> None:
        self._loss = loss
        self._takes_body = takes_body

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._takes_body:
            request.read()
        raise self._loss


Body = Mapping[str, object] | Form
SECRET_FILE = FormFile("file", "input.png", "image/png", b"secret")
BODIES: dict[str, Body] = {
    "json": {"prompt": "x"},
    "form": Form({"prompt": "x"}),
    "form with a file": Form({"prompt": "x"}, SECRET_FILE),
}
every_body = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)


@every_body
@pytest.mark.parametrize("loss", LOSSES, ids=lambda value: type(value).__name__)
def test_a_lost_create_is_an_unknown_outcome_if_its_body_left(loss: Exception, body: Body) -> None:
    assert type(_failure(loss, body, takes_body=True, is_create=True)) is ProviderOutcomeUnknown
    assert type(_failure(loss, body, takes_body=False, is_create=True)) is ProviderUnavailable
    assert type(_failure(loss, body, takes_body=True, is_create=False)) is ProviderUnavailable
    assert _failure(loss, body, takes_body=True, is_create=False).is_silence


@pytest.mark.parametrize("body", [{"prompt": "\ud800"}, Form({"prompt": "\ud800"})])
def test_a_create_with_an_unencodable_body_is_not_sent(body: Body) -> None:
    def left() -> None:
        raise AssertionError("it left")

    with pytest.raises(ProviderUnavailable):
        Transport(http=httpx.MockTransport(lambda _: httpx.Response(200))).send(_create(body=body, fence=left))


def test_a_form_is_sent_as_text_fields() -> None:
    fields = {"prompt": 'a "boat" é\r\n\r\n--x', "seconds": "4"}
    arrived: list[httpx.Request] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        arrived.append(request)
        return httpx.Response(200)

    Transport(http=httpx.MockTransport(vendor)).send(_create(body=Form(fields)))
    (request,) = arrived
    content_type = request.headers["Content-Type"]
    assert content_type.startswith("multipart/form-data; boundary=")
    assert request.headers["Content-Length"] == str(len(request.content))
    form = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + request.content)
    read = {part.get_param("name", header="Content-Disposition"): part for part in form.walk() if part is not form}
    assert {name: bytes(part.get_payload(decode=True)).decode() for name, part in read.items()} == fields
    assert [part.get_filename() for part in read.values()] == [None, None]


def test_the_file_of_a_form_follows_its_fields() -> None:
    arrived: list[bytes] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        arrived.append(b"Content-Type: " + request.headers["Content-Type"].encode() + b"\r\n\r\n" + request.content)
        return httpx.Response(200)

    file = FormFile("file", "input.png", "image/png", b"\x89PNG\r\n\x00")
    Transport(http=httpx.MockTransport(vendor)).send(_create(body=Form({"file": "a field", "key": "k"}, file)))
    _, *fields, last = message_from_bytes(arrived[0]).walk()
    assert [field.get_payload(decode=True) for field in fields] == [b"a field", b"k"]
    assert (last.get_filename(), last.get_content_type()) == ("input.png", "image/png")
    assert last.get_payload(decode=True) == file.content


@every_body
def test_a_fence_stops_the_body(body: Body) -> None:
    def lose() -> None:
        raise LeaseLost("it is another worker's")

    arrived: list[bytes] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        arrived.append(request.content)
        return httpx.Response(200)

    with pytest.raises(LeaseLost):
        Transport(http=httpx.MockTransport(vendor)).send(_create(body=body, fence=lose))
    assert arrived == []


def test_a_create_without_a_body_is_refused() -> None:
    with pytest.raises(ValueError, match="has a body"):
        Call("kie", "submit", "POST", "https://api.example/x", 1, fence=lambda: None)


def _create(*, body: Body = BODIES["json"], fence: Fence = lambda: None) -> Call:
    return Call("kie", "submit", "POST", "https://api.example/x", 1, body=body, fence=fence)


def _failure(loss: Exception, body: Body, *, takes_body: bool, is_create: bool) -> ProviderError:
    call = _create(body=body) if is_create else replace(_create(body=body), fence=None)
    with pytest.raises(ProviderError) as caught:
        Transport(http=_Loses(loss, takes_body=takes_body)).send(call)
    assert caught.value.message == f"kie gave no answer to submit ({type(loss).__name__})"
    return caught.value


@pytest.mark.parametrize("body", [{"prompt": "secret"}, Form({"prompt": "secret"}, SECRET_FILE)])
def test_a_call_shows_neither_its_key_nor_its_prompt(body: Body) -> None:
    call = Call(
        "kie",
        "submit",
        "POST",
        "https://api.example/?token=secret",
        1,
        headers={"Authorization": "secret"},
        params={"token": "secret"},
        body=body,
    )
    assert "secret" not in repr(call) + repr(body if isinstance(body, Form) else None)


READ = replace(_create(), method="GET", body=None, fence=None)


class _Body(httpx.SyncByteStream):
    """A body as a vendor sends it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


def _answering(content: bytes, encoding: str) -> Transport:
    headers = {"Content-Encoding": encoding}
    return Transport(http=httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, stream=_Body(content))))


def test_an_answer_in_one_layer_of_gzip_is_read() -> None:
    assert _answering(gzip.compress(b'{"id": "1"}'), "gzip").send(READ).content == b'{"id": "1"}'


@pytest.mark.parametrize("encoding", ["gzip, gzip", "gzip,gzip,gzip", "br", "zstd", "deflate", "compress"])
def test_an_answer_in_an_encoding_that_we_did_not_ask_for_is_refused_undecoded(encoding: str) -> None:
    bomb = gzip.compress(gzip.compress(bytes(64 * 1024**2)))
    with pytest.raises(ProviderUnavailable):
        _answering(bomb, encoding).send(READ)
    with pytest.raises(ProviderOutcomeUnknown):
        _answering(bomb, encoding).send(_create())


def test_an_answer_that_unfolds_ends_at_the_limit_of_an_answer() -> None:
    with pytest.raises(ProviderBadResponse):
        _answering(gzip.compress(bytes(64 * 1024**2)), "gzip").send(READ)
