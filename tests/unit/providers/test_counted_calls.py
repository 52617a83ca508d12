"""Calls to providers are counted by their answer."""

import httpx
import pytest

from metrics.instruments import REGISTRY
from metrics.labels import PROVIDER
from providers.http.calls import Call
from providers.http.transport import Transport
from schemas.errors import LeaseLost
from schemas.provider_errors import ProviderError

ACCOUNT = "kie"


def count(call: str, answer: str) -> float:
    labels = {"provider": ACCOUNT, "call": call, "answer": answer}
    return REGISTRY.get_sample_value("reelworks_provider_calls_total", labels) or 0.0


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, "success"), (204, "success"), (404, "refused"), (429, "too_many"), (500, "error"), (302, "error")],
)
def test_an_answer_is_counted_by_its_status(status: int, answer: str) -> None:
    PROVIDER.learn([ACCOUNT])
    transport = Transport(http=httpx.MockTransport(lambda _: httpx.Response(status, json={})))
    before = count("read", answer)

    transport.send(
        Call(provider=ACCOUNT, operation="poll", method="GET", url="http://vendor.invalid/", timeout_seconds=1)
    )

    assert count("read", answer) == before + 1


def test_a_call_without_an_answer_is_counted() -> None:
    PROVIDER.learn([ACCOUNT])

    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    before = count("read", "no_answer")
    call = Call(provider=ACCOUNT, operation="poll", method="GET", url="http://vendor.invalid/", timeout_seconds=1)
    with pytest.raises(ProviderError):
        Transport(http=httpx.MockTransport(refuse)).send(call)

    assert count("read", "no_answer") == before + 1


def test_a_create_that_its_fence_stopped_is_no_call() -> None:
    PROVIDER.learn([ACCOUNT])

    def fence() -> None:
        raise LeaseLost("another worker has it")

    before = count("create", "not_sent"), count("create", "no_answer")
    call = Call(
        provider=ACCOUNT,
        operation="submit",
        method="POST",
        url="http://vendor.invalid/",
        timeout_seconds=1,
        body={},
        fence=fence,
    )
    with pytest.raises(LeaseLost):
        Transport(http=httpx.MockTransport(lambda _: httpx.Response(200, json={}))).send(call)

    assert (count("create", "not_sent"), count("create", "no_answer")) == (before[0] + 1, before[1])
