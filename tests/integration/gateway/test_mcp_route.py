"""The route `/mcp` before the protocol: keys, bounds, pages of strangers, and a gateway without the extra."""

import httpx
import pytest

from api_gateway import create_app
from schemas.settings import Settings
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
TAKES = {"Accept": "application/json, text/event-stream"}


def test_the_key_is_checked_before_the_body(gateway: httpx.Client, customer: NewCustomer) -> None:
    for headers in ({}, {"Authorization": "Bearer rw_wrong"}):
        answer = gateway.post("/mcp", content=b"no JSON", headers={**TAKES, **headers})
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for headers in ({"X-API-Key": customer.api_key}, {"Authorization": f"Bearer {customer.api_key}"}):
        assert gateway.post("/mcp", json=LIST, headers={**TAKES, **headers}).status_code == 200


def test_a_body_has_limits(gateway: httpx.Client, customer: NewCustomer) -> None:
    headers = {**TAKES, **customer.headers, "Content-Type": "application/json"}
    large = gateway.post("/mcp", content=b" " * (1024 * 1024 + 1), headers=headers)
    many = gateway.post("/mcp", content=b"[" + b"0," * 300_000 + b"0]", headers=headers)
    deep = gateway.post("/mcp", content=b"[" * 5_000, headers=headers)

    assert [large.status_code, many.status_code] == [413, 413]
    assert large.json()["code"] == "content_too_large"
    assert deep.status_code == 400


def test_a_page_of_a_stranger_may_not_call(gateway: httpx.Client, customer: NewCustomer, settings: Settings) -> None:
    def status(origin: str) -> int:
        return gateway.post("/mcp", json=LIST, headers={**TAKES, **customer.headers, "Origin": origin}).status_code

    assert status("https://evil.example") == 403
    assert status("null") == 403
    assert status(settings.gateway_url.rstrip("/")) == 200


def test_a_session_has_no_stream_of_its_own(gateway: httpx.Client, customer: NewCustomer) -> None:
    answer = gateway.get("/mcp", headers={**customer.headers, "Accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_gateway_without_the_extra_says_so(
    settings: Settings, customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.mcp.door.find_spec", lambda _: None)
    with serving(create_app(settings)) as gateway:
        answer = gateway.post("/mcp", json=LIST, headers={**TAKES, **customer.headers})

    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "reelworks[mcp]" in answer.json()["detail"]
