"""No connection can hold or stall the gateway: every byte and every wait has a limit."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from gateway.server import listeners, server_config
from schemas.setting_groups import ConnectionSettings
from schemas.settings import Settings
from stack.ports import free_port
from tests.support import eventually

pytestmark = pytest.mark.slow

LIMITS = ConnectionSettings(
    max_connections=20,
    max_head_bytes=8192,
    max_head_fields=20,
    head_seconds=2,
    body_seconds=2,
    least_bytes_per_second=100_000,
    idle_seconds=1,
)

PATIENT = LIMITS.model_copy(update={"head_seconds": 300.0, "body_seconds": 300.0})
"""Limits of time that no test meets."""

CLIENTS = 60
"""Clients that come together."""


async def _length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def _hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def _refuses_early(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("no", 413)


async def _endless(_request: Request) -> StreamingResponse:
    def chunks() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    return StreamingResponse(chunks())


@contextmanager
def serving(limits: ConnectionSettings) -> Iterator[tuple[str, int]]:
    """A server of the gateway's kind around a small application. Yields its address."""
    app = Starlette(
        routes=[
            Route("/", _hello),
            Route("/length", _length, methods=["POST"]),
            Route("/openai/length", _length, methods=["POST"]),
            Route("/early", _refuses_early, methods=["POST"]),
            Route("/endless", _endless),
        ]
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        server = uvicorn.Server(server_config(app, Settings(connections=limits, gateway_drain_seconds=1)))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with serving(LIMITS) as found:
        yield found


@contextmanager
def connected(address: tuple[str, int]) -> Iterator[socket.socket]:
    with socket.create_connection(address, timeout=300) as connection:
        yield connection


def rest_of(connection: socket.socket) -> bytes:
    """All that the server sends until it closes the connection. Fails after five minutes of an open one."""
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def status(answer: bytes) -> int:
    assert answer, "the connection was closed without an answer"
    return int(answer.split(b" ", 2)[1])


def answer_to(address: tuple[str, int], *parts: bytes) -> bytes:
    with connected(address) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return rest_of(connection)


def is_served(address: tuple[str, int]) -> bool:
    return b"hello" in answer_to(address, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")


HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([HEAD + b"X-Long: ", *[b"a" * 65536] * 32], id="a header value without an end"),
        pytest.param([HEAD, *[b"X: y\r\n" * 4096] * 32], id="header lines without an end"),
        pytest.param([HEAD + b"X: y\r\n" * 21 + b"\r\n"], id="one field too many"),
        pytest.param([b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n"], id="a long path"),
        pytest.param([HEAD + b"X: " + b"a" * 30_000 + b"\r\n\r\n"], id="a complete head that is too large"),
    ],
)
def test_a_head_beyond_the_limits_is_answered_with_431_and_ends_the_connection(
    address: tuple[str, int], parts: list[bytes]
) -> None:
    answer = answer_to(address, *parts)
    assert status(answer) == 431
    assert is_served(address)


def test_a_request_without_a_version_is_refused(address: tuple[str, int]) -> None:
    assert status(answer_to(address, b"GET /\r\n\r\n")) == 400
    assert is_served(address)


def test_trailers_count_as_a_head(address: tuple[str, int]) -> None:
    begin = b"POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    answer = answer_to(address, begin, *[b"X: y\r\n" * 4096] * 8)
    assert status(answer) == 431


@pytest.mark.parametrize(
    "sent", [b"", b"GET", HEAD, b"\r\n\r\n"], ids=["nothing", "a word", "half a head", "empty lines"]
)
def test_a_head_that_does_not_come_is_answered_with_408(address: tuple[str, int], sent: bytes) -> None:
    answer = answer_to(address, sent)
    assert status(answer) == 408
    assert b"application/problem+json" in answer


def test_a_dripped_head_is_cut_at_the_limit_however_often_a_byte_comes(address: tuple[str, int]) -> None:
    with connected(address) as connection:
        for byte in HEAD * 4:
            try:
                connection.sendall(bytes([byte]))
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(0.05)
        else:
            pytest.fail("the server took a head of five seconds")


def test_a_body_that_does_not_come_is_answered_with_408(address: tuple[str, int]) -> None:
    answer = answer_to(address, b"POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    assert status(answer) == 408


def test_a_large_body_has_time_for_its_size(address: tuple[str, int]) -> None:
    body = b"x" * 400_000
    with connected(address) as connection:
        connection.sendall(b"POST /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 400000\r\n\r\n")
        for start in range(0, len(body), 50_000):
            connection.sendall(body[start : start + 50_000])
            time.sleep(0.3)  # 2.4 s in all, above body_seconds
        assert rest_of(connection).endswith(b"400000")


def test_a_connection_without_a_second_request_is_closed(address: tuple[str, int]) -> None:
    answer = answer_to(address, HEAD + b"\r\n")
    assert answer.endswith(b"hello")


def test_the_second_request_of_a_connection_has_the_same_limits(address: tuple[str, int]) -> None:
    answer = answer_to(address, HEAD + b"\r\n" + b"GET / HT")
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"HTTP/1.1 408" in answer


def test_an_early_answer_arrives_although_the_body_goes_on(address: tuple[str, int]) -> None:
    head = b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
    with connected(address) as connection:
        connection.sendall(head + b"x" * 1000)
        assert status(connection.recv(65536)) == 413
        assert rest_of(connection) == b""


def test_a_connection_goes_on_if_its_body_comes_after_the_answer() -> None:
    with serving(PATIENT) as address, connected(address) as connection:
        connection.sendall(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
        assert status(connection.recv(65536)) == 413
        connection.sendall(b"cd" + HEAD + b"\r\n")
        # The second answer, and then the end of an idle connection.
        assert rest_of(connection).endswith(b"hello")


def test_a_client_that_does_not_read_its_answer_is_cut(address: tuple[str, int]) -> None:
    with connected(address) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.2)
            try:
                connection.sendall(b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                return
    pytest.fail("the server waits for a client that does not read")


def test_a_body_in_chunks_of_a_byte_is_refused(address: tuple[str, int]) -> None:
    begin = b"POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert status(answer_to(address, begin, *[b"1\r\na\r\n" * 4096] * 8)) == 400


def test_a_body_in_some_small_chunks_is_read(address: tuple[str, int]) -> None:
    begin = b"POST /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert answer_to(address, begin, b"1\r\na\r\n" * 900 + b"0\r\n\r\n").endswith(b"900")


def test_a_flood_of_requests_on_one_connection_is_cut(address: tuple[str, int]) -> None:
    answer = answer_to(address, (HEAD + b"\r\n") * 5000)
    assert answer.count(b"HTTP/1.1 200") < 100


def test_three_requests_at_once_are_answered_and_ten_are_not(address: tuple[str, int]) -> None:
    get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    assert answer_to(address, get * 3).count(b"hello") == 3
    assert b"hello" not in answer_to(address, get * 10)


def test_a_refusal_of_a_later_request_does_not_get_into_an_earlier_answer(address: tuple[str, int]) -> None:
    with connected(address) as connection:
        connection.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n" + HEAD + b"\r\n" + b"no HTTP at all\r\n\r\n")
        answer = rest_of(connection)
    assert answer.count(b"HTTP/1.1") <= 1


def test_silent_connections_displace_each_other_and_nobody_else() -> None:
    with serving(PATIENT) as address, ExitStack() as stack:
        busy = stack.enter_context(connected(address))
        busy.sendall(b"POST /length HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nab")
        silent = [stack.enter_context(connected(address)) for _ in range(60)]
        assert is_served(address)
        busy.sendall(b"cd")
        assert rest_of(busy).endswith(b"4")
        assert status(rest_of(silent[0])) == 503


@pytest.mark.parametrize(
    ("head", "media_type", "member"),
    [
        (b"POST /openai/v1/videos HTTP/1.1\r\n", b"application/json", b'"error":{"message":"the head may have'),
        (b"POST http://gateway/openai/v1/videos HTTP/1.1\r\n", b"application/json", b'"error":{"message":"the head'),
        (b"POST /v1/generations HTTP/1.1\r\n", b"application/problem+json", b'"detail":"the head may have'),
        (b"POST http://[ HTTP/1.1\r\n", b"application/problem+json", b'"detail":'),
    ],
)
def test_refusal_has_the_form_of_the_dialect_of_its_path(
    address: tuple[str, int], head: bytes, media_type: bytes, member: bytes
) -> None:
    answer = answer_to(address, head + b"x: " + b"a" * 10_000 + b"\r\n\r\n")
    fields, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: " + media_type in fields
    assert int(fields.partition(b"content-length: ")[2].partition(b"\r\n")[0]) == len(body)
    assert member in body


def test_slow_body_of_an_openai_request_may_be_sent_again(address: tuple[str, int]) -> None:
    answer = answer_to(address, b"POST /openai/length HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n")
    assert status(answer) == 408
    assert b"x-should-retry: true\r\n" in answer


def test_clients_that_come_together_are_let_in_together() -> None:
    turns = 0
    came: list[int] = []

    async def count(_request: Request) -> PlainTextResponse:
        came.append(turns)
        return PlainTextResponse("hello")

    async def hold(_request: Request) -> PlainTextResponse:
        is_held.set()
        # The event loop stands still, as in a long step of another request.
        assert all_came.wait(300)
        asyncio.get_running_loop().call_soon(turn)
        return PlainTextResponse("hello")

    def turn() -> None:
        nonlocal turns
        turns += 1
        if len(came) < CLIENTS:
            asyncio.get_running_loop().call_soon(turn)

    is_held, all_came = threading.Event(), threading.Event()
    config = server_config(
        Starlette(routes=[Route("/", count), Route("/hold", hold)]),
        Settings(gateway_port=free_port(), gateway_drain_seconds=1),
    )
    server, sockets = uvicorn.Server(config), listeners(config)
    address = sockets[0].getsockname()
    thread = threading.Thread(target=server.run, args=(sockets,))
    thread.start()
    try:
        eventually(lambda: server.started, bool)
        with ExitStack() as clients:
            holding = clients.enter_context(connected(address))
            holding.sendall(b"GET /hold HTTP/1.1\r\nHost: here\r\n\r\n")
            assert is_held.wait(300)
            others = [clients.enter_context(connected(address)) for _ in range(CLIENTS)]
            for other in others:
                other.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            all_came.set()
            assert {status(other.recv(65536)) for other in [holding, *others]} == {200}
    finally:
        all_came.set()
        server.should_exit = True
        thread.join()
    assert max(came) - min(came) < CLIENTS // 2
