"""The route `/mcp` before the protocol: keys, bounds, pages of strangers, and a gateway without the extra."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from api_gateway import create_app
from schemas.enums import Scope
from schemas.names import twin_of
from schemas.orders import Route
from schemas.settings import Settings
from storage.api_keys import Owner, prefix
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer, a_generation, an_order

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
TAKES = {"Accept": "application/json, text/event-stream"}


def test_the_key_is_checked_before_the_body(gateway: httpx.Client, customer: NewCustomer) -> None:
    for headers in ({}, {"Authorization": "Bearer rw_wrong"}):
        answer = gateway.post("/mcp", content=b"no JSON", headers={**TAKES, **headers})
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for headers in ({"X-API-Key": customer.api_key}, {"Authorization": f"Bearer {customer.api_key}"}):
        assert gateway.post("/mcp", json=LIST, headers={**TAKES, **headers}).status_code == 200


def test_a_key_that_has_ended_is_told_apart(
    gateway: httpx.Client, database: Database, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    def refused(change: str) -> tuple[int, str]:
        key = make_key(Owner(customer.id), scopes=(Scope.READ, Scope.GENERATE))
        headers = {**TAKES, "X-API-Key": key}
        assert gateway.post("/mcp", json=LIST, headers=headers).status_code == 200
        with database.transaction() as session:
            session.execute(text(f"UPDATE api_keys SET {change} WHERE prefix = :prefix"), {"prefix": prefix(key)})
        answer = gateway.post("/mcp", json=LIST, headers=headers)
        return answer.status_code, answer.json()["code"]

    assert refused("revoked_at = now()") == (401, "key_revoked")
    assert refused("expires_at = now()") == (401, "key_expired")


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        ([LIST], -32600, "batch"),
        ("tools/list", -32600, "object"),
        ({"id": 1, "method": "tools/list"}, -32600, "jsonrpc"),
        ({**LIST, "method": 5}, -32600, "method"),
        ({**LIST, "method": "z" * 201}, -32600, "method"),
        ({**LIST, "id": "z" * 201}, -32600, "id"),
        ({**LIST, "id": [1]}, -32600, "id"),
        ({"jsonrpc": "2.0", "id": 1}, -32600, "method"),
        ({**LIST, "params": [1]}, -32600, "params"),
        ({**LIST, "params": {"_meta": {"progressToken": "z" * 201}}}, -32600, "progressToken"),
    ],
)
def test_a_body_that_is_no_message_is_refused_in_words(
    gateway: httpx.Client, customer: NewCustomer, message: object, code: int, words: str
) -> None:
    for version in ("2025-11-25", "2026-07-28"):
        headers = {**TAKES, **customer.headers, "MCP-Protocol-Version": version}
        answer = gateway.post("/mcp", json=message, headers=headers)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, code)
        assert words in error["message"]
        assert "zzz" not in answer.text


def test_a_version_of_any_length_is_not_repeated(gateway: httpx.Client, customer: NewCustomer) -> None:
    headers = {**TAKES, **customer.headers, "MCP-Protocol-Version": "z" * 5000}
    answer = gateway.post("/mcp", json=LIST, headers=headers)
    assert (answer.status_code, answer.json()["code"], "zzz" in answer.text) == (400, "bad_request", False)


def test_few_files_at_one_time_are_in_memory(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    """Each place is free again once its answer is sent."""
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"0" * (1024 * 1024))
    read = {"uri": f"reelworks://generations/{generation_id}/content"}
    message = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": read}

    def told(_: int) -> str:
        answer = gateway.post("/mcp", json=message, headers={**TAKES, **customer.headers}).text
        return "refused" if "read this one again" in answer else "read" if "blob" in answer else answer

    for _ in range(4):
        assert told(0) == "read"
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(told, range(64)))
    assert found in ({"read", "refused"}, {"read"})
    assert told(0) == "read"


def test_a_customer_and_the_test_customer_share_their_places(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    key = make_key(Owner(customer.id), is_test=True)
    app = create_app(settings)
    with serving(app) as gateway, ExitStack() as held:
        tested = gateway.get("/v1/me", headers={"X-API-Key": key}).json()["id"]
        routes = [Route(provider=twin_of("kie"), model="google/nano-banana")]
        order = an_order().model_copy(update={"routes": routes})
        generation_id = a_generation(database, settings, NewCustomer(UUID(tested), key), order)
        complete(database, settings, objects, generation_id, b"0" * (1024 * 1024))
        read = {"uri": f"reelworks://generations/{generation_id}/content"}
        message = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": read}
        assert "blob" in gateway.post("/mcp", json=message, headers={**TAKES, "X-API-Key": key}).text

        for _ in range(2):
            held.enter_context(app.state.services.file_shares.taken_by(customer.id))
        refused = gateway.post("/mcp", json=message, headers={**TAKES, "X-API-Key": key}).text

    assert "read this one again" in refused


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
def test_calls_that_wait_or_have_ended_keep_no_call_from_its_turn(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, version: str
) -> None:
    generation_id = str(a_generation(database, settings, customer))

    def request(name: str, **arguments: object) -> tuple[dict[str, object], dict[str, str]]:
        own = "io.modelcontextprotocol/"
        meta = {f"{own}protocolVersion": version, f"{own}clientCapabilities": {}, "progressToken": 1}
        params = {"name": name, "arguments": {"generation_id": generation_id, **arguments}, "_meta": meta}
        named = {"MCP-Protocol-Version": version, "Mcp-Method": "tools/call", "Mcp-Name": name}
        message: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return message, {**TAKES, **customer.headers, **named}

    waits, wait_headers = request("wait_for_generation", seconds=50)
    read, read_headers = request("get_generation")
    for _ in range(2):
        with ExitStack() as held:
            for _ in range(10):
                answer = held.enter_context(gateway.stream("POST", "/mcp", json=waits, headers=wait_headers))
                assert answer.status_code == 200
            assert generation_id in gateway.post("/mcp", json=read, headers=read_headers, timeout=60).text


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
def test_answers_that_are_not_read_hold_their_places(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    version: str,
) -> None:
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"0" * (8 * 1024 * 1024))
    uri = f"reelworks://generations/{generation_id}/content"
    own = "io.modelcontextprotocol/"
    client = {"name": "a test", "version": "1"}
    meta = {f"{own}protocolVersion": version, f"{own}clientInfo": client, f"{own}clientCapabilities": {}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": uri, "_meta": meta}}
    named = {"MCP-Protocol-Version": version, "Mcp-Method": "resources/read", "Mcp-Name": uri}
    headers = {**TAKES, **customer.headers, **named}

    # An answer is larger than the buffers between the gateway and this client.
    slow = httpx.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)])
    with httpx.Client(base_url=gateway.base_url, transport=slow) as reader, ExitStack() as held:
        answers = [held.enter_context(reader.stream("POST", "/mcp", json=message, headers=headers)) for _ in range(2)]
        parts = [answer.iter_raw() for answer in answers]
        assert all(next(each) for each in parts)
        refused = gateway.post("/mcp", json=message, headers=headers).text

    assert "read this one again" in refused


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
