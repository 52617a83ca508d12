"""Sessions of the official client with the door for agents."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx
import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

T = TypeVar("T")

IMAGE = {"prompt": "a lighthouse in fog", "model": "nano-banana", "aspect_ratio": "landscape"}
VIDEO = {"prompt": "a paper boat on a rainy street", "model": "kling-2.6-text-to-video", "duration": 5}


def in_session(
    gateway: httpx.Client, headers: Mapping[str, str], work: Callable[[Client], Awaitable[T]], **options: Any
) -> T:
    """Run `work` with a client of the door, and return its result.

    Args:
        options: those of the client, such as its `mode`.
    """

    async def connected() -> T:
        async with httpx2.AsyncClient(headers=dict(headers), timeout=60, trust_env=False) as http:
            transport = streamable_http_client(f"{str(gateway.base_url).rstrip('/')}/mcp", http_client=http)
            async with Client(transport, **options) as client:
                return await work(client)

    return asyncio.run(connected())


def text_of(answer: types.CallToolResult) -> str:
    """The text of an answer."""
    assert isinstance(answer.content[0], types.TextContent)
    return answer.content[0].text
