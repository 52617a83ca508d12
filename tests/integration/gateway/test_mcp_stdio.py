"""`reelworks mcp`: the command beside an agent, and a gateway over HTTP."""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import httpx
import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.extension import ClientExtension

from agents.tasks import EXTENSION
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.media_files.images import png
from tests.support import NewCustomer, a_generation

COMMAND = str(Path(sys.executable).with_name("reelworks"))
IMAGE = {"prompt": "a lighthouse in fog", "model": "nano-banana"}


class KnowsTasks(ClientExtension):
    """The extension of tasks, as a client declares it."""

    identifier = EXTENSION


class Notice(types.Notification[dict[str, Any], Literal["tools/call"]]):
    """A call of a tool without an id."""

    method: Literal["tools/call"] = "tools/call"


def in_session(
    gateway: httpx.Client, key: str, work: Callable[[Client], Awaitable[None]], *options: str, **more: Any
) -> None:
    """Run `work` with a client of the command."""
    environment = {"PATH": os.environ["PATH"], "REELWORKS_URL": str(gateway.base_url), "REELWORKS_API_KEY": key}
    server = StdioServerParameters(command=COMMAND, args=["mcp", *options], env=environment)

    async def run() -> None:
        async with Client(server, read_timeout_seconds=300, **more) as client:
            await work(client)

    asyncio.run(run())


def test_a_session_lists_orders_waits_reads_and_cancels(
    gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer, prompt="a lighthouse")
    is_waiting = threading.Event()
    told: list[float] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)
        is_waiting.set()

    def finish() -> None:
        assert is_waiting.wait(300)
        complete(database, settings, objects, generation_id, png(8, 8))

    async def work(client: Client) -> None:
        assert len((await client.list_tools()).tools) == 8
        made = await client.call_tool("generate_image", {**IMAGE, "idempotency_key": "k1"})
        again = await client.call_tool("generate_image", {**IMAGE, "idempotency_key": "k1"})
        assert made.structured_content == again.structured_content
        cancelled = await client.call_tool(
            "cancel_generation", {"generation_id": made.structured_content["generation_id"]}
        )
        assert cancelled.structured_content["status"] == "cancelled"
        waited = await client.call_tool(
            "wait_for_generation", {"generation_id": str(generation_id)}, progress_callback=tell
        )
        assert waited.structured_content["status"] == "completed"
        assert any(isinstance(block, types.ImageContent) for block in waited.content)
        read = await client.read_resource(waited.structured_content["result_uri"])
        assert len(read.contents) == 1

    worker = threading.Thread(target=finish)
    worker.start()
    in_session(gateway, customer.api_key, work)
    worker.join()
    assert told == sorted(set(told))
    assert told[-1] == 100


@pytest.mark.parametrize("agrees", [True, False])
def test_the_user_is_asked_above_the_limit(gateway: httpx.Client, customer: NewCustomer, agrees: bool) -> None:
    questions: list[str] = []

    async def reply(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        questions.append(params.message)
        return types.ElicitResult(action="accept", content={"order": agrees})

    async def work(client: Client) -> None:
        assert client.protocol_version == "2025-11-25"
        answer = await client.call_tool("generate_image", IMAGE)
        assert answer.is_error is not agrees

    in_session(gateway, customer.api_key, work, "--confirm-above", "3", mode="legacy", elicitation_callback=reply)
    assert questions == ["This order costs 4 credits with nano-banana, above the limit of 3 for one call. Order it?"]


def test_a_wrong_key_is_told_in_words(gateway: httpx.Client) -> None:
    async def work(client: Client) -> None:
        answer = await client.call_tool("list_models", {})
        assert answer.is_error
        assert isinstance(answer.content[0], types.TextContent)
        assert "unauthenticated" in answer.content[0].text

    in_session(gateway, "rw_wrong", work)


def test_an_order_with_the_old_protocol_is_no_task_of_the_extension(
    gateway: httpx.Client, customer: NewCustomer
) -> None:
    async def work(client: Client) -> None:
        assert client.protocol_version == "2025-11-25"
        made = await client.call_tool("generate_image", IMAGE)
        assert made.structured_content["status"] == "queued"

    in_session(gateway, customer.api_key, work, mode="legacy", extensions=[KnowsTasks()])
    assert len(gateway.get("/v1/generations", headers=customer.headers).json()["data"]) == 1


def test_a_notification_orders_nothing(gateway: httpx.Client, customer: NewCustomer) -> None:
    async def work(client: Client) -> None:
        notice: Any = Notice(params={"name": "generate_image", "arguments": IMAGE, "task": {}})
        await client.session.send_notification(notice)
        # The server reads the notification before this call.
        assert not (await client.call_tool("list_models", {})).is_error

    in_session(gateway, customer.api_key, work, mode="legacy")
    assert gateway.get("/v1/generations", headers=customer.headers).json()["data"] == []
