import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

import gateway.problems  # noqa: F401 - defines the errors of the gateway
from reelworks_client import ApiError, GenerationFailed, InsufficientCredits, RateLimited, Unavailable, WaitTimeout
from reelworks_client.errors import error_of
from reelworks_client.models import Generation
from schemas.errors import RequestError


def each_error(root: type[RequestError] = RequestError) -> Iterator[type[RequestError]]:
    for error in root.__subclasses__():
        yield error
        yield from each_error(error)


# Other dialects have forms of their own.
EACH = {error.code: error for error in each_error() if error.__module__ in ("schemas.errors", "gateway.problems")}


@pytest.mark.parametrize("error", EACH.values(), ids=EACH)
def test_every_code_of_the_gateway_has_a_family(error: type[RequestError]) -> None:
    found = ApiError.of({"code": error.code, "status": error.http_status})
    assert type(found) is not ApiError
    assert error.code in found.codes or error.http_status in found.statuses


def test_new_code_is_known_by_its_status() -> None:
    assert isinstance(ApiError.of({"code": "too_bright", "status": 429}), RateLimited)
    assert type(ApiError.of({"code": "teapot", "status": 418})) is ApiError


def test_error_tells_the_code_the_remedy_and_the_request() -> None:
    problem = {"code": "insufficient_credits", "detail": "add 4", "credits_needed": 4, "credits_available": 1}
    error = error_of(
        httpx.Response(402, json=problem, headers={"X-Request-ID": "r-1"}), httpx.Response(402, json=problem).content
    )
    assert isinstance(error, InsufficientCredits)
    assert (error.credits_needed, error.credits_available, error.request_id) == (4, 1, "r-1")
    assert str(error) == "insufficient_credits: add 4 (request r-1)"


def test_page_of_a_proxy_is_an_error_by_its_status() -> None:
    error = error_of(httpx.Response(502), b"<html>Bad gateway</html>")
    assert isinstance(error, Unavailable)
    assert str(error) == "HTTP 502: Bad Gateway"


def test_retry_after_is_a_number_or_a_time() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    seconds = [
        error_of(httpx.Response(503, headers={"Retry-After": text}), b"").retry_after
        for text in ("7", in_a_minute, "soon")
    ]
    assert seconds[0] == 7
    assert 50 < (seconds[1] or 0) <= 60
    assert seconds[2] is None


def test_errors_survive_pickle(ended: Generation) -> None:
    for error in (
        ApiError.of({"code": "not_found", "status": 404}, "r-1", 2.0),
        WaitTimeout("g", 3),
        GenerationFailed(ended),
    ):
        restored = pickle.loads(pickle.dumps(error))
        assert type(restored) is type(error)
        assert str(restored) == str(error)


@pytest.fixture
def ended() -> Generation:
    spent = {"price": 4, "held": 0, "captured": 0, "released": 4}
    return Generation.model_validate(
        {
            "id": "g", "status": "failed", "stage": "failed", "progress": 20, "kind": "image", "model": "m",
            "credits": spent, "created_at": "2026-11-01T00:00:00Z",
            "outcome": {"cause": "timed_out", "charged": False, "retryable": True, "message": "Too slow."},
        }
    )  # fmt: skip


def test_generation_without_a_result_raises_its_outcome(ended: Generation) -> None:
    with pytest.raises(GenerationFailed, match="g failed: Too slow"):
        ended.raise_for_end()
