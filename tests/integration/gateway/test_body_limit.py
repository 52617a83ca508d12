"""A body that is too large: the key is checked first, and the gateway reads nothing of the body."""

import socket

import httpx
import pytest

from tests.support import NewCustomer

FAR_TOO_LARGE = 10**12


def answer_to_head(gateway: httpx.Client, request: str, headers: dict[str, str], length: int) -> tuple[int, str]:
    """The status and the text of the answer to a head that announces a body. Sends no body."""
    gateway.get("/healthz")  # listens by now
    lines = [f"{request} HTTP/1.1", "Host: x", f"Content-Length: {length}", "Expect: 100-continue"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection((gateway.base_url.host, gateway.base_url.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = connection.recv(65536).decode()
    return int(answer.split()[1]), answer


@pytest.mark.parametrize("path", ["/v1/generations", "/v1/uploads"])
@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "rw_wrong"}, {"Authorization": "Bearer rw_wrong"}])
def test_request_without_a_valid_key_is_refused_for_its_key_whatever_its_length(
    gateway: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    status, answer = answer_to_head(gateway, f"POST {path}", headers, FAR_TOO_LARGE)
    assert (status, "100 Continue" in answer) == (401, False)


@pytest.mark.parametrize("path", ["/v1/generations", "/v1/uploads"])
def test_body_that_announces_too_many_bytes_is_refused_unread(
    gateway: httpx.Client, customer: NewCustomer, path: str
) -> None:
    status, answer = answer_to_head(gateway, f"POST {path}", customer.headers, FAR_TOO_LARGE)
    assert (status, "100 Continue" in answer) == (413, False)
    assert "the body may have up to" in answer


def test_path_that_reads_no_body_answers_whatever_the_length(gateway: httpx.Client, customer: NewCustomer) -> None:
    assert answer_to_head(gateway, "GET /v1/credits", customer.headers, FAR_TOO_LARGE)[0] == 200
    assert answer_to_head(gateway, "POST /v1/credits", customer.headers, FAR_TOO_LARGE)[0] == 405
    assert answer_to_head(gateway, "POST /nowhere", {}, FAR_TOO_LARGE)[0] == 404
