"""`/mcp` as the program of an agent uses it: sessions of the official client, with the old protocol and the new one."""

import base64
import threading
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import mcp_types as types
import pytest
from mcp import Client, MCPError
from sqlalchemy import text

from schemas.enums import Scope
from schemas.settings import Settings
from storage.api_keys import Owner
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.mcp_sessions import IMAGE, VIDEO, in_session, text_of
from tests.media_files.images import png
from tests.support import NewCustomer, a_generation

# The client's modes: the protocol of 2025-11-25, and the stateless one of 2026-07-28.
MODES = ("legacy", "2026-07-28")
VERSIONS = {"legacy": "2025-11-25", "2026-07-28": "2026-07-28"}

Session = Callable[..., Any]

AS_VIDEO = text("""
    UPDATE assets SET content_type = 'video/mp4', codec = 'h264', width = 1280, height = 720, duration_seconds = 8,
        frame_rate = 24 WHERE generation_id = :id
""")


@pytest.fixture(params=MODES)
def session(request: pytest.FixtureRequest, gateway: httpx.Client, customer: NewCustomer) -> Session:
    """Runs a coroutine function with a client of the door, and returns its result."""

    def run(work: Callable[[Client], Awaitable[Any]], headers: dict[str, str] | None = None, **options: Any) -> Any:
        async def checked(client: Client) -> Any:
            assert client.protocol_version == VERSIONS[request.param]
            return await work(client)

        given = customer.headers if headers is None else headers
        return in_session(gateway, given, checked, mode=request.param, **options)

    return run


def call(session: Session, tool: str, arguments: dict[str, Any], **options: Any) -> types.CallToolResult:
    """The answer of a tool."""

    async def work(client: Client) -> Any:
        return await client.call_tool(tool, arguments)

    answer = session(work, **options)
    assert isinstance(answer, types.CallToolResult)
    return answer


def test_the_tools_say_what_they_take(session: Session) -> None:
    async def work(client: Client) -> Any:
        return await client.list_tools(), await client.list_resource_templates()

    listed, templates = session(work)
    tools = {tool.name: tool for tool in listed.tools}
    assert set(tools) == {
        "generate_image", "generate_video", "extend_video", "list_models", "get_generation", "wait_for_generation",
        "cancel_generation", "estimate",
    }  # fmt: skip
    assert {"prompt", "model", "duration", "aspect_ratio", "thread_id"} <= set(
        tools["generate_video"].input_schema["properties"]
    )
    assert tools["get_generation"].annotations.read_only_hint
    assert tools["cancel_generation"].annotations.destructive_hint
    assert {one.uri_template for one in templates.resource_templates} == {
        "reelworks://generations/{generation_id}/content",
        "reelworks://generations/{generation_id}/thumbnail",
        "reelworks://generations/{generation_id}/variants/{name}",
    }
    assert {one.title: one.description for one in templates.resource_templates} == {
        "The file": "The file of a completed generation, up to 8388608 bytes",
        "A still picture": "A still picture of a completed generation, up to 8388608 bytes",
        "A further file": (
            "A further file of a completed generation, such as a copy or a preview, up to 8388608 bytes"
        ),
    }


@pytest.mark.parametrize("key", [f"rw_{'aB3dE' * 8}xyz", f"sk-{'aB3dE' * 5}", f"whsec_{'aB3dE' * 5}"])
def test_the_refusal_of_an_unknown_tool_quotes_no_key(session: Session, key: str) -> None:
    async def work(client: Client) -> Any:
        with pytest.raises(MCPError, match="there is no tool") as refused:
            await client.call_tool(key, {})
        return str(refused.value)

    told = session(work)
    assert "aB3dE" not in told
    assert "[…]" in told


def test_a_create_tool_hands_the_id_back_with_the_usual_time(
    session: Session, gateway: httpx.Client, customer: NewCustomer
) -> None:
    answer = call(session, "generate_video", {**VIDEO, "aspectRatio": "portrait", "threadId": "t-7", "canvas_id": "c1"})

    assert not answer.is_error, text_of(answer)
    told = answer.structured_content
    assert "I've started generating a 5 second video" in text_of(answer)
    assert "usually takes 1 to 5 minutes" in text_of(answer)
    assert "wait_for_generation" in text_of(answer)
    made = gateway.get(f"/v1/generations/{told['generation_id']}", headers=customer.headers).json()
    assert (made["status"], made["credits"]["held"]) == ("queued", told["credits"])
    assert made["inputs"]["aspect_ratio"] == "9:16"
    assert made["metadata"] == {"thread_id": "t-7", "canvas_id": "c1"}


def test_the_same_key_gives_the_same_generation(session: Session, gateway: httpx.Client, customer: NewCustomer) -> None:
    first, again = (call(session, "generate_image", {**IMAGE, "idempotency_key": "k1"}) for _ in range(2))
    other = call(session, "generate_image", {**IMAGE, "prompt": "a boat", "idempotency_key": "k1"})

    assert first.structured_content["generation_id"] == again.structured_content["generation_id"]
    assert "An earlier call" in text_of(again)
    assert (other.is_error, "idempotency_mismatch" in text_of(other)) == (True, True)
    assert len(gateway.get("/v1/generations", headers=customer.headers).json()["data"]) == 1


def test_a_wrong_argument_is_told_in_words(session: Session, gateway: httpx.Client, customer: NewCustomer) -> None:
    length = call(session, "generate_video", {**VIDEO, "duration": 7})
    blank = call(session, "generate_video", {"prompt": " ", "speed": 3})

    assert length.is_error
    assert "duration_seconds" in text_of(length)
    assert "5" in text_of(length)
    assert "10" in text_of(length)
    assert "speed" in text_of(blank)
    assert gateway.get("/v1/generations", headers=customer.headers).json()["data"] == []


def test_a_result_is_a_link_with_a_small_picture_and_the_text_for_the_thread(
    session: Session, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer, prompt="a lighthouse")
    picture = png(8, 8)
    complete(database, settings, objects, generation_id, picture)

    async def work(client: Client) -> Any:
        found = await client.call_tool("wait_for_generation", {"generation_id": str(generation_id)})
        link = next(block for block in found.content if isinstance(block, types.ResourceLink))
        return found, link, await client.read_resource(link.uri)

    found, link, read = session(work)
    assert "AI Generated Image\nPrompt: " in text_of(found)
    assert (link.mime_type, link.size) == ("image/png", len(picture))
    shown = next(block for block in found.content if isinstance(block, types.ImageContent))
    assert base64.b64decode(shown.data) == picture
    assert base64.b64decode(read.contents[0].blob) == picture


def test_a_large_result_is_not_read_as_a_resource(
    session: Session,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
) -> None:
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"0" * (8 * 1024 * 1024 + 1))

    async def work(client: Client) -> Any:
        found = await client.call_tool("get_generation", {"generation_id": str(generation_id)})
        assert not any(isinstance(block, types.ImageContent) for block in found.content)
        with pytest.raises(MCPError, match=rf"/v1/generations/{generation_id}/content"):
            await client.read_resource(f"reelworks://generations/{generation_id}/content")

    session(work)


def test_a_wait_tells_progress_and_ends_with_the_result(
    session: Session, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    told: list[float] = []
    is_waiting = threading.Event()

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)
        is_waiting.set()

    def finish() -> None:
        assert is_waiting.wait(300)
        complete(database, settings, objects, generation_id, png(8, 8))

    async def work(client: Client) -> Any:
        return await client.call_tool(
            "wait_for_generation", {"generation_id": str(generation_id), "seconds": 50}, progress_callback=tell
        )

    worker = threading.Thread(target=finish)
    worker.start()
    answer = session(work)
    worker.join()
    assert answer.structured_content["status"] == "completed"
    assert told == sorted(set(told))
    assert told[-1] == 100


def test_a_wait_that_ends_early_says_how_it_stands(
    session: Session, database: Database, settings: Settings, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    answer = call(session, "wait_for_generation", {"generation_id": str(generation_id), "seconds": 1})
    too_long = call(session, "wait_for_generation", {"generation_id": str(generation_id), "seconds": 51})

    assert answer.structured_content["status"] == "queued"
    assert "Call wait_for_generation with this id again" in text_of(answer)
    assert "50" in text_of(too_long)


def test_a_video_goes_on_where_a_completed_one_ends(
    session: Session,
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    rich: NewCustomer,
) -> None:
    video = {"prompt": "a boat", "model": "veo-3-fast", "resolution": "720p", "confirm_credits": 1000}
    first = call(session, "generate_video", video, headers=rich.headers)
    assert not first.is_error, text_of(first)
    first_id = first.structured_content["generation_id"]
    complete(database, settings, objects, UUID(first_id), b"a video")
    with database.transaction() as sql:
        sql.execute(AS_VIDEO, {"id": first_id})

    wanted = {"generation_id": first_id, "prompt": "it sinks", "confirm_credits": 1000, "reference": "shot-2"}
    extended = call(session, "extend_video", wanted, headers=rich.headers)
    assert not extended.is_error, text_of(extended)
    assert "I've started generating" in text_of(extended)
    told = extended.structured_content
    assert (told["status"], told["kind"], told["reference"]) == ("queued", "video", "shot-2")
    made = gateway.get(f"/v1/generations/{told['generation_id']}", headers=rich.headers).json()
    assert made["inputs"]["video_urls"] == [f"generation:{first_id}"]
    models = call(session, "list_models", {"kind": "video"}, headers=rich.headers).structured_content["models"]
    assert made["model"] in {one["name"] for one in models if one["extends_videos"]}


def test_cancel(session: Session, gateway: httpx.Client, customer: NewCustomer) -> None:
    async def work(client: Client) -> Any:
        made = await client.call_tool("generate_image", IMAGE)
        return await client.call_tool("cancel_generation", {"generation_id": made.structured_content["generation_id"]})

    ended = session(work)
    assert ended.structured_content["status"] == "cancelled"
    assert "It cost nothing" in text_of(ended)
    assert gateway.get("/v1/me", headers=customer.headers).json()["credits"]["held"] == 0


def test_models_and_estimate(session: Session) -> None:
    models = call(session, "list_models", {"kind": "video"}).structured_content["models"]
    cost = call(session, "estimate", {**IMAGE, "kind": "image"})

    assert {one["kind"] for one in models} == {"video"}
    kling = next(one for one in models if one["name"] == "kling-2.6-text-to-video")
    assert kling["durations"] == [5, 10]
    assert (cost.structured_content["model"], cost.structured_content["credits"]) == ("nano-banana", 4)


def test_no_tool_or_resource_shows_the_generation_of_another_tenant(
    session: Session, database: Database, settings: Settings, make_customer: Callable[[int], NewCustomer]
) -> None:
    theirs = a_generation(database, settings, make_customer(100))

    async def work(client: Client) -> Any:
        for tool in ("get_generation", "wait_for_generation", "cancel_generation"):
            answer = await client.call_tool(tool, {"generation_id": str(theirs)})
            assert (answer.is_error, "not_found" in text_of(answer)) == (True, True)
        extended = await client.call_tool("extend_video", {"generation_id": str(theirs), "prompt": "on"})
        assert extended.is_error
        with pytest.raises(MCPError, match="generation"):
            await client.read_resource(f"reelworks://generations/{theirs}/content")

    session(work)


def test_a_key_without_the_scope_reads_and_does_not_order(
    session: Session, customer: NewCustomer, make_key: Callable[..., str]
) -> None:
    key = {"X-API-Key": make_key(Owner(customer.id), scopes=(Scope.READ,))}

    assert not call(session, "list_models", {}, headers=key).is_error
    refused = call(session, "generate_image", IMAGE, headers=key)
    assert "insufficient_scope" in text_of(refused)


@pytest.fixture
def rich(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    """A customer who can pay for an order above the limit."""
    return make_customer(1000)


DEAR = {**VIDEO, "duration": 10, "generate_audio": True}
"""14 credits a second, and twice with sound: 280, above the limit of 200."""


def test_a_dear_order_needs_consent_and_says_its_price(
    session: Session, gateway: httpx.Client, rich: NewCustomer
) -> None:
    asked = call(session, "generate_video", DEAR, headers=rich.headers)
    too_low = call(session, "generate_video", {**DEAR, "confirm_credits": 279}, headers=rich.headers)
    ordered = call(session, "generate_video", {**DEAR, "confirm_credits": 280}, headers=rich.headers)

    assert asked.is_error
    assert "confirm_credits: 280" in text_of(asked)
    assert too_low.is_error
    assert ordered.structured_content["credits"] == 280
    assert len(gateway.get("/v1/generations", headers=rich.headers).json()["data"]) == 1


@pytest.mark.parametrize("agrees", [True, False])
def test_a_client_that_can_ask_asks_the_user(gateway: httpx.Client, rich: NewCustomer, agrees: bool) -> None:
    questions: list[str] = []

    async def reply(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        questions.append(params.message)
        return types.ElicitResult(action="accept" if agrees else "decline", content={"order": True} if agrees else None)

    async def work(client: Client) -> types.CallToolResult:
        return await client.call_tool("generate_video", DEAR)

    answer = in_session(gateway, rich.headers, work, mode="2026-07-28", elicitation_callback=reply)
    assert len(questions) == 1
    assert "280 credits" in questions[0]
    assert answer.is_error is not agrees
    assert len(gateway.get("/v1/generations", headers=rich.headers).json()["data"]) == int(agrees)


def test_an_id_that_is_no_uuid_is_told(session: Session) -> None:
    answer = call(session, "get_generation", {"generation_id": "7"})
    assert (answer.is_error, "generation_id" in text_of(answer)) == (True, True)
