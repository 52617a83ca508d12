"""The id by which a request is found in the logs."""

import re

import httpx
import pytest


def test_an_answer_has_the_senders_id(gateway: httpx.Client) -> None:
    assert gateway.get("/healthz", headers={"X-Request-ID": "order-17.a_b"}).headers["x-request-id"] == "order-17.a_b"


@pytest.mark.parametrize("unsafe", ["", "two words", "a;b", "é", "x" * 129, '"quoted"', "../up"])
def test_an_unsafe_id_is_replaced(gateway: httpx.Client, unsafe: str) -> None:
    answer = gateway.get("/healthz", headers={b"X-Request-ID": unsafe.encode()})

    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


def test_each_request_without_an_id_gets_one(gateway: httpx.Client) -> None:
    ids = {gateway.get("/healthz").headers["x-request-id"] for _ in range(3)}

    assert len(ids) == 3
