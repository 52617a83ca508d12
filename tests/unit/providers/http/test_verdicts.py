import pytest

from providers.http.calls import Call, Reply
from providers.http.verdicts import Verdict, error_of
from schemas.enums import ErrorCode
from schemas.provider_errors import (
    ProviderBadResponse,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)

VERDICTS = {
    7: Verdict(ProviderRejected, "refused it", ErrorCode.CONTENT_REJECTED),
    8: Verdict(ProviderRateLimited, "is busy"),
}


def reply(status: int = 200, *, creates: bool = False) -> Reply:
    fence = (lambda: None) if creates else None
    call = Call("acme", "submit", "POST", "https://acme.example", 1, body={}, fence=fence)
    return Reply(call, status, b"", retry_after=3)


def test_the_vendors_code_decides_before_the_http_status() -> None:
    error = error_of(VERDICTS, 7, reply(503), told="a bad word")
    assert type(error) is ProviderRejected
    assert (error.message, error.code) == ("acme refused it (code 7): a bad word", ErrorCode.CONTENT_REJECTED)


def test_only_a_rejection_quotes_the_vendor() -> None:
    error = error_of(VERDICTS, 8, reply(429), told="come back later")
    assert (type(error), error.message, error.retry_after) == (ProviderRateLimited, "acme is busy (code 8)", 3)
    assert error_of(VERDICTS, 7, reply()).message == "acme refused it (code 7)"


@pytest.mark.parametrize(
    ("status", "creates", "family"),
    [
        (200, True, ProviderOutcomeUnknown),
        (200, False, ProviderBadResponse),
        (400, True, ProviderRejected),
        (503, False, ProviderUnavailable),
    ],
)
def test_the_http_status_decides_for_an_undocumented_code(
    status: int, creates: bool, family: type[ProviderError]
) -> None:
    assert type(error_of(VERDICTS, 9, reply(status, creates=creates))) is family


@pytest.mark.parametrize("status", [200, 401, 408, 425, 429, 500, 502, 503, 504])
def test_only_a_proxy_answers_for_a_silent_server(status: int) -> None:
    error = reply(status).unreadable()
    assert error.is_silence == (status in {502, 503, 504})
    assert error.retry_after == (None if status in {200, 401} else 3)
