from datetime import UTC, datetime

import httpx
import pytest

from providers.transport import MAX_RETRY_AFTER_SECONDS, Call, Transport, retry_after_seconds
from schemas.enums import ProviderName
from schemas.errors import ProviderError, ProviderOutcomeUnknown, ProviderUnavailable

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


# What httpx raises, and whether the request may have reached the vendor.
LOSSES: list[tuple[Exception, bool]] = [
    (httpx.ConnectError("x"), False),
    (httpx.ConnectTimeout("x"), False),
    (httpx.PoolTimeout("x"), False),
    (httpx.UnsupportedProtocol("x"), False),
    (httpx.LocalProtocolError("x"), False),
    (httpx.InvalidURL("x"), False),
    (UnicodeError("x"), False),
    (httpx.WriteTimeout("x"), True),
    (httpx.WriteError("x"), True),
    (httpx.ReadTimeout("x"), True),
    (httpx.ReadError("x"), True),
    (httpx.CloseError("x"), True),
    (httpx.RemoteProtocolError("x"), True),
    (httpx.DecodingError("x"), True),
]


@pytest.mark.parametrize(("loss", "may_have_left"), LOSSES, ids=lambda value: type(value).__name__)
def test_only_a_create_that_may_have_left_is_unknown(loss: Exception, may_have_left: bool) -> None:
    assert type(_failure(loss, is_create=True)) is (ProviderOutcomeUnknown if may_have_left else ProviderUnavailable)
    assert type(_failure(loss, is_create=False)) is ProviderUnavailable


def _failure(loss: Exception, *, is_create: bool) -> ProviderError:
    def lose(_request: httpx.Request) -> httpx.Response:
        raise loss

    call = Call(ProviderName.KIE, "submit", "POST", "https://api.example/x", 1, is_create=is_create)
    with pytest.raises(ProviderError) as caught:
        Transport(http=httpx.MockTransport(lose)).send(call)
    assert caught.value.message == f"kie gave no answer to submit ({type(loss).__name__})"
    return caught.value


def test_a_call_shows_neither_its_key_nor_its_prompt() -> None:
    call = Call(
        ProviderName.KIE,
        "submit",
        "POST",
        "https://api.example/?token=secret",
        1,
        headers={"Authorization": "secret"},
        params={"token": "secret"},
        body={"prompt": "secret"},
    )
    assert "secret" not in repr(call)
