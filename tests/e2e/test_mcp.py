"""An agent's session with the running system: by the command beside the agent, and at the door of the gateway."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import httpx2
import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.e2e.conftest import System
from tests.support import NewCustomer, new_customer

pytestmark = pytest.mark.slow

COMMAND = str(Path(sys.executable).with_name("reelworks"))
VIDEO = {"prompt": "a paper boat on a rainy street", "model": "kling-2.6-text-to-video", "duration": 5}


async def whole_session(client: Client) -> None:
    """Order a video, wait for it, and read its picture."""
    told: list[float] = []

    async def tell(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    made: Any = await client.call_tool("generate_video", {**VIDEO, "thread_id": "t-7"})
    assert not made.is_error, made.content
    wanted = {"generation_id": made.structured_content["generation_id"]}
    ended: Any = await client.call_tool("wait_for_generation", wanted, progress_callback=tell)
    while ended.structured_content["status"] in {"queued", "processing"}:
        ended = await client.call_tool("wait_for_generation", wanted, progress_callback=tell)
    assert ended.structured_content["status"] == "completed"
    assert told[-1] == 100
    assert "AI Generated Video\nPrompt: a paper boat on a rainy street\nDuration: 5s" in ended.content[0].text
    links = [block for block in ended.content if isinstance(block, types.ResourceLink)]
    assert links[0].mime_type == "video/mp4"
    poster = next(block for block in ended.content if isinstance(block, types.ImageContent))
    read: Any = await client.read_resource(links[-1].uri)
    assert read.contents[0].blob == poster.data


def test_over_stdio(system: System) -> None:
    customer = new_customer(system.database, 1000)
    environment = {
        "PATH": os.environ["PATH"],
        "REELWORKS_URL": str(system.http.base_url),
        "REELWORKS_API_KEY": customer.api_key,
    }

    async def run() -> None:
        async with Client(StdioServerParameters(command=COMMAND, args=["mcp"], env=environment)) as client:
            await whole_session(client)

    asyncio.run(run())


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_over_http(system: System, mode: str) -> None:
    customer: NewCustomer = new_customer(system.database, 1000)
    url = f"{str(system.http.base_url).rstrip('/')}/mcp"

    async def run() -> None:
        async with (
            httpx2.AsyncClient(headers=customer.headers, timeout=60, trust_env=False) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode) as client,
        ):
            await whole_session(client)

    asyncio.run(run())
