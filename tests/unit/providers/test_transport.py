from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from providers.base import Fence
from providers.transport import MAX_RETRY_AFTER_SECONDS, Call, Transport, retry_after_seconds
from schemas.errors import LeaseLost, ProviderError, ProviderOutcomeUnknown, ProviderUnavailable

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
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, now=NOW) == seconds


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
    """Loses a request, before or after it took the body."""

    def __init__(self, loss: Exception, *, takes_body: bool) -> None:
        self._loss = loss
        self._takes_body = takes_body

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._takes_body:
            request.read()
        raise self._loss


@pytest.mark.parametrize("loss", LOSSES, ids=lambda value: type(value).__name__)
def test_a_create_is_unknown_once_its_body_left_whatever_the_error_is_called(loss: Exception) -> None:
    assert type(_failure(loss, takes_body=True, is_create=True)) is ProviderOutcomeUnknown
    assert type(_failure(loss, takes_body=False, is_create=True)) is ProviderUnavailable
    assert type(_failure(loss, takes_body=True, is_create=False)) is ProviderUnavailable


def test_a_body_that_cannot_be_written_never_leaves() -> None:
    call = _create(body={"prompt": "\ud800"})
    with pytest.raises(ProviderUnavailable):
        Transport(http=httpx.MockTransport(lambda _: httpx.Response(200))).send(call)


def test_a_fence_keeps_the_body_here() -> None:
    def lose() -> None:
        raise LeaseLost("it is another worker's")

    arrived: list[bytes] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        arrived.append(request.content)
        return httpx.Response(200)

    with pytest.raises(LeaseLost):
        Transport(http=httpx.MockTransport(vendor)).send(_create(fence=lose))
    assert arrived == []


def test_a_create_without_a_body_has_no_moment_for_its_fence() -> None:
    with pytest.raises(ValueError, match="has a body"):
        Call("kie", "submit", "POST", "https://api.example/x", 1, fence=lambda: None)


def _create(*, body: dict[str, object] | None = None, fence: Fence = lambda: None) -> Call:
    return Call("kie", "submit", "POST", "https://api.example/x", 1, body=body or {"prompt": "x"}, fence=fence)


def _failure(loss: Exception, *, takes_body: bool, is_create: bool) -> ProviderError:
    call = _create() if is_create else replace(_create(), fence=None)
    with pytest.raises(ProviderError) as caught:
        Transport(http=_Loses(loss, takes_body=takes_body)).send(call)
    assert caught.value.message == f"kie gave no answer to submit ({type(loss).__name__})"
    return caught.value


def test_a_call_shows_neither_its_key_nor_its_prompt() -> None:
    call = Call(
        "kie",
        "submit",
        "POST",
        "https://api.example/?token=secret",
        1,
        headers={"Authorization": "secret"},
        params={"token": "secret"},
        body={"prompt": "secret"},
    )
    assert "secret" not in repr(call)
