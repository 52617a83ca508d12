"""The official client raises the right exception for each error, with a message, a type and a code."""

import openai
import pytest

from schemas.enums import Scope
from tests.contract.raw_server import unused_port
from tests.e2e.clients.conftest import AT_ONCE_MS, Buyer, NewClient, key_with
from tests.e2e.conftest import System
from tests.support import new_customer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning"),
]

LONG = 3600
MANY = 50


def told(error: openai.APIStatusError) -> tuple[int, str | None, str | None, str | None]:
    """The parts of an error that the client reads."""
    assert error.message
    return error.status_code, error.type, error.param, error.code


def test_wrong_value_is_a_bad_request(buyer: Buyer) -> None:
    with pytest.raises(openai.BadRequestError, match="seconds") as wrong:
        buyer.client.videos.create(prompt=buyer.prompt, seconds="99")  # type: ignore[arg-type]
    assert told(wrong.value) == (400, "invalid_request_error", "seconds", "invalid_request")
    with pytest.raises(openai.BadRequestError, match="colour") as unknown:
        buyer.client.images.generate(prompt=buyer.prompt, extra_body={"colour": "red"})
    assert told(unknown.value) == (400, "invalid_request_error", "colour", "invalid_request")


def test_wrong_key_is_an_authentication_error(new_client: NewClient) -> None:
    with pytest.raises(openai.AuthenticationError) as wrong:
        new_client("rw_wrong").videos.list()
    assert told(wrong.value) == (401, "authentication_error", None, "unauthenticated")


def test_order_without_credits_is_a_402_that_is_sent_once(system: System, new_client: NewClient) -> None:
    client = new_client(new_customer(system.database, 1).api_key)
    with pytest.raises(openai.APIStatusError, match="credits") as poor:
        client.videos.create(prompt="a boat")
    assert told(poor.value) == (402, "insufficient_quota", None, "insufficient_credits")
    assert poor.value.request.headers["x-stainless-retry-count"] == "0"


def test_key_without_the_scope_is_a_permission_error(buyer: Buyer, new_client: NewClient) -> None:
    reader = new_client(key_with(buyer.system, buyer.customer, Scope.READ))
    assert list(reader.videos.list()) == []
    with pytest.raises(openai.PermissionDeniedError, match="scope") as refused:
        reader.videos.create(prompt=buyer.prompt)
    assert told(refused.value) == (403, "permission_error", None, "insufficient_scope")


def test_video_of_another_customer_is_not_found(buyer: Buyer, system: System, new_client: NewClient) -> None:
    video = buyer.client.videos.create_and_poll(prompt=buyer.prompt, poll_interval_ms=AT_ONCE_MS)
    with pytest.raises(openai.NotFoundError) as other:
        new_client(system.customer().api_key).videos.retrieve(video.id)
    assert told(other.value) == (404, "invalid_request_error", None, "not_found")


def test_content_of_a_running_video_is_a_conflict_that_is_sent_once(buyer: Buyer) -> None:
    word = buyer.system.behave(seconds=LONG)
    video = buyer.client.videos.create(prompt=word)
    with pytest.raises(openai.ConflictError) as early:
        buyer.client.videos.download_content(video.id)
    assert told(early.value) == (409, "invalid_request_error", None, "not_ready")
    assert early.value.request.headers["x-stainless-retry-count"] == "0"
    buyer.system.http.post(f"/v1/generations/{video.id.removeprefix('video_')}/cancel", headers=buyer.customer.headers)


def test_key_of_another_order_is_unprocessable(buyer: Buyer) -> None:
    key = {"Idempotency-Key": "an-order"}
    video = buyer.client.videos.create(prompt=buyer.prompt, extra_headers=key)
    with pytest.raises(openai.UnprocessableEntityError) as reused:
        buyer.client.videos.create(prompt=f"{buyer.prompt}, at night", extra_headers=key)
    assert told(reused.value) == (422, "invalid_request_error", None, "idempotency_mismatch")
    buyer.client.videos.poll(video.id, poll_interval_ms=AT_ONCE_MS)


def test_too_many_orders_are_a_rate_limit_error(buyer: Buyer, new_client: NewClient, strict_url: str) -> None:
    key = buyer.system.customer(100_000).api_key
    limited, client = new_client(key, url=strict_url, max_retries=0), new_client(key)
    limited.videos.create(prompt=buyer.prompt)

    def order_until_refused() -> None:
        # While Redis is slow, the gateway serves every request for some seconds.
        for _ in range(MANY):
            limited.videos.create(prompt=buyer.prompt)

    with pytest.raises(openai.RateLimitError) as refused:
        order_until_refused()
    assert told(refused.value) == (429, "rate_limit_error", None, "rate_limited")
    assert int(refused.value.response.headers["retry-after"]) > 0
    assert refused.value.response.headers["x-should-retry"] == "true"
    for video in client.videos.list():
        client.videos.poll(video.id, poll_interval_ms=AT_ONCE_MS)


def test_image_that_fails_is_a_server_error_that_is_sent_once(buyer: Buyer) -> None:
    word = buyer.system.behave(outcome="fail", fail_code="500", fail_msg="out of order")
    with pytest.raises(openai.InternalServerError) as failed:
        buyer.client.images.generate(model="nano-banana", prompt=word)
    status, kind, _, code = told(failed.value)
    assert (status, kind) == (502, "server_error")
    assert code
    assert failed.value.request.headers["x-stainless-retry-count"] == "0"
    assert buyer.system.balance(buyer.customer) == (1000, 0)


def test_gateway_that_cannot_be_reached_is_a_connection_error(new_client: NewClient) -> None:
    client = new_client("rw_any", url=f"http://127.0.0.1:{unused_port()}", max_retries=0)
    with pytest.raises(openai.APIConnectionError):
        client.videos.list()
