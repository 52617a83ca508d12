"""A server between a client and the gateway. Each connection of the client meets the next answer of the test."""

import socket
import threading
from collections.abc import Callable

import httpx

from tests.contract.raw_server import Answer, Request, hang_up, http, response

_HOPS = {"connection", "content-length", "host", "transfer-encoding", "content-encoding"}
_PATIENCE_SECONDS = 300


def passed_on(gateway_url: str) -> Answer:
    """Pass the request and the gateway's answer on."""

    def answer(request: Request, connection: socket.socket) -> None:
        got = ask(gateway_url, request)
        headers = {name: value for name, value in got.headers.items() if name.lower() not in _HOPS}
        connection.sendall(response(got.status_code, got.content, headers))

    return answer


def cut_after_the_answer(gateway_url: str) -> Answer:
    """Cut the client's connection when the gateway has answered."""

    def answer(request: Request, connection: socket.socket) -> None:
        assert ask(gateway_url, request).is_success
        hang_up(connection)

    return answer


def unavailable_after_the_answer(gateway_url: str) -> Answer:
    """Say 503 when the gateway has answered, as a load balancer does that lost the answer."""

    def answer(request: Request, connection: socket.socket) -> None:
        assert ask(gateway_url, request).is_success
        http(503, b"upstream connect error")(request, connection)

    return answer


def cut_before_the_answer(gateway_url: str, is_due: Callable[[], None]) -> Answer:
    """Pass the request on, and cut the client's connection when `is_due` returns, while the gateway works."""

    def answer(request: Request, connection: socket.socket) -> None:
        asking = threading.Thread(target=ask, args=(gateway_url, request))
        asking.start()
        is_due()
        hang_up(connection)
        asking.join(_PATIENCE_SECONDS)

    return answer


def ask(gateway_url: str, request: Request) -> httpx.Response:
    """Send the client's request to the gateway."""
    headers = {name: value for name, value in request.headers.items() if name not in _HOPS}
    return httpx.request(
        request.method,
        gateway_url + request.target,
        headers=headers,
        content=request.body,
        timeout=_PATIENCE_SECONDS,
        trust_env=False,
    )
