"""One try to send a message to an endpoint that behaves in any way."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from notify.webhooks.sender import KEPT_BYTES, Sender, Try
from schemas.webhook_settings import WebhookSettings
from tests.contract.raw_server import RawServer, Request, dripping, http, raw, response, silence, stalled, unused_port
from tests.sdks.tls import self_signed
from tests.webhook_receiver import Receiver, receiving

LOOPBACK = WebhookSettings(allow_http=True, allowed_private_networks=[ip_network("127.0.0.0/8")])
SHORT = LOOPBACK.model_copy(update={"timeout_seconds": 0.5})
BODY = b'{"type":"generation.completed"}'


def tried(url: str, settings: WebhookSettings = LOOPBACK) -> Try:
    async def inside() -> Try:
        sender = Sender(settings)
        try:
            return await sender.send(url, {"webhook-id": "a-message"}, BODY)
        finally:
            await sender.close()

    return asyncio.run(inside())


def test_message_is_a_post_of_json_without_compression(server: RawServer) -> None:
    server.will(http(200, b"thank you"))
    made = tried(f"{server.url}/hook?key=1")
    assert (made.status, made.error, made.answer) == (200, None, "thank you")
    (request,) = server.requests
    assert (request.method, request.target, request.body) == ("POST", "/hook?key=1", BODY)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("Reelworks-Webhooks/")
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["webhook-id"] == "a-message"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_each_status_of_success_is_a_success(server: RawServer, status: int) -> None:
    server.will(http(status))
    assert tried(server.url).error is None


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
def test_other_status_is_a_failure(server: RawServer, status: int) -> None:
    server.will(http(status, b"no"))
    made = tried(server.url)
    assert (made.status, made.error, made.answer) == (status, f"status {status}", "no")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_a_failure_and_is_not_followed(server: RawServer, status: int) -> None:
    with RawServer() as other:
        server.will(http(status, headers={"Location": other.url}))
        made = tried(server.url)
        assert made.status == status
        assert made.error is not None
        assert "redirects are not followed" in made.error
        assert other.connections == 0


def test_cookie_of_an_answer_is_not_sent_back(server: RawServer) -> None:
    async def inside() -> None:
        sender = Sender(LOOPBACK)
        for _ in range(2):
            await sender.send(server.url, {}, BODY)
        await sender.close()

    server.will(http(200, headers={"Set-Cookie": "a=1"}), http(200))
    asyncio.run(inside())
    assert "cookie" not in server.requests[1].headers


@pytest.mark.parametrize(
    "silent", [silence, stalled(b"HTTP/1.1 200 OK\r\nX-Slow: "), dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ")]
)
def test_try_has_a_limit_of_time_in_total(server: RawServer, silent: object) -> None:
    server.will(silent)  # type: ignore[arg-type]
    began = time.monotonic()
    made = tried(server.url, SHORT)
    assert (made.status, made.error) == (None, "no answer within 0.5 s")
    assert time.monotonic() - began < 30


def endless(_request: Request, connection: socket.socket) -> None:
    """Sends an answer without an end, as fast as the client reads."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


def test_endless_answer_is_cut_and_its_status_counts(server: RawServer) -> None:
    server.will(endless)
    made = tried(server.url)
    assert (made.status, made.error, made.answer) == (200, None, "x" * KEPT_BYTES)


@pytest.mark.parametrize("slow", [stalled, dripping])
def test_answer_whose_body_stalls_holds_no_place_for_long(
    server: RawServer, slow: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notify.webhooks.sender._ANSWER_SECONDS", 0.2)
    server.will(slow(response(200, b"begun", {"Content-Length": "1000"})))  # type: ignore[operator]
    made = tried(server.url)
    assert (made.status, made.error) == (200, None)
    assert made.answer.startswith("begun")
    assert made.seconds < 10


def test_kept_answer_has_no_control_characters(server: RawServer) -> None:
    server.will(http(500, b"\x00\x1b[31mred\xff"))
    assert tried(server.url).answer == "\\x00\\x1b[31mred�"


@pytest.mark.parametrize(
    ("answer", "words"),
    [(raw(b""), "no answer"), (raw(b"HTTP/1.1 2"), "no answer"), (raw(b"SSH-2.0-OpenSSH_9.9\r\n"), "no answer")],
)
def test_cut_or_senseless_answer_is_a_failure(server: RawServer, answer: object, words: str) -> None:
    server.will(answer)  # type: ignore[arg-type]
    made = tried(server.url)
    assert made.status is None
    assert made.error is not None
    assert made.error.startswith(words)


_NOT_PUBLIC = "the endpoint's host is not known, or is not public"


def test_closed_port_is_a_failure() -> None:
    error = tried(f"http://127.0.0.1:{unused_port()}").error
    assert error is not None
    assert error.startswith("cannot connect")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0.0.0.0", "[::ffff:127.0.0.1]"])
def test_private_address_is_refused_before_a_byte_is_sent(server: RawServer, host: str) -> None:
    made = tried(f"http://{host}:{server.port}", WebhookSettings(allow_http=True))
    assert (made.status, made.error) == (None, _NOT_PUBLIC)
    assert server.connections == 0


def test_unknown_name_has_the_words_of_a_private_address() -> None:
    # No name server is asked: the name is too long.
    assert tried(f"http://{'x' * 64}.invalid/", WebhookSettings(allow_http=True)).error == _NOT_PUBLIC


def test_http_is_refused_unless_the_operator_allows_it(server: RawServer) -> None:
    settings = LOOPBACK.model_copy(update={"allow_http": False})
    assert tried(server.url, settings).error == "the endpoint's URL must begin with https://"
    assert server.connections == 0


@pytest.fixture
def tls_receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver with a certificate that no authority signed, in `certificate.pem` of the test's folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*self_signed(tmp_path))
    with receiving(tls=context) as receiver:
        yield receiver


def test_certificate_that_no_authority_signed_is_refused(tls_receiver: Receiver) -> None:
    made = tried(tls_receiver.url)
    assert made.status is None
    assert made.error is not None
    assert "certificate verify failed" in made.error
    assert tls_receiver.messages == []


def test_message_goes_over_tls_to_a_trusted_certificate(
    tls_receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
    monkeypatch.setattr("providers.http.async_network.tls", lambda: trusting)
    assert tried(tls_receiver.url).status == 204
    assert [each.body for each in tls_receiver.messages] == [BODY]


@pytest.mark.parametrize(("value", "seconds"), [("120", 120.0), ("999999", 86_400.0), ("soon", None)])
def test_retry_after_is_read_up_to_a_day(server: RawServer, value: str, seconds: float | None) -> None:
    server.will(http(503, headers={"Retry-After": value}))
    assert tried(server.url).retry_after == seconds
