"""Serves the tools over stdin and stdout, with the HTTP API of a gateway."""

import asyncio
import logging

import httpx
from mcp.server.stdio import stdio_server

from agents.remote import RemoteReelworks
from agents.server import build

_TIMEOUT_SECONDS = 30.0


def serve(url: str, key: str, *, customer: str | None, confirm_above: int | None) -> None:
    """Serve until the client closes stdin.

    Args:
        url: the address of the gateway.
        key: the API key.
        customer: the customer for whom a key of a service acts.
        confirm_above: the credits of one order that need no consent. None: no order needs one.
    """
    # stdout belongs to the protocol, and stderr is what programs of agents show as trouble.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    asyncio.run(_serve(url, key, customer, confirm_above))


async def _serve(url: str, key: str, customer: str | None, confirm_above: int | None) -> None:
    headers = {"Authorization": f"Bearer {key}", **({"X-Customer-ID": customer} if customer else {})}
    async with httpx.AsyncClient(base_url=url.rstrip("/"), headers=headers, timeout=_TIMEOUT_SECONDS) as http:
        reelworks = RemoteReelworks(http)
        server = build(lambda _: reelworks, confirm_above=confirm_above)
        async with stdio_server() as (received, sent):
            await server.run(received, sent, server.create_initialization_options())
