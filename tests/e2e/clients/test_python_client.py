"""The Python client against the running system: what needs workers."""

import asyncio
import io
from pathlib import Path
from uuid import uuid4

import pytest

from reelworks_client import AsyncClient, Client, Event, GenerationFailed, Notification, TerminalBar
from reelworks_client.redis_door import RedisDoor
from tests.e2e.clients.conftest import Buyer

pytestmark = pytest.mark.slow

PNG = b"\x89PNG"


@pytest.fixture
def client(buyer: Buyer) -> Client:
    """A client of the customer."""
    return Client(buyer.system.stack.gateway_url, buyer.customer.api_key)


def test_order_becomes_a_file(client: Client, buyer: Buyer, tmp_path: Path) -> None:
    output = io.StringIO()
    with client:
        image = client.generate(buyer.prompt, model="nano-banana", progress=TerminalBar(output), timeout=300)
        path = client.download(image.id, tmp_path)
        assert path.read_bytes() == client.content(image.id)
    assert path.read_bytes().startswith(PNG)
    assert "100 %" in output.getvalue()
    assert buyer.has_paid_once(image.credits.price)


def test_order_over_redis_is_awaited(buyer: Buyer) -> None:
    owner = str(buyer.customer.id)
    with RedisDoor(buyer.system.stack.settings.redis_url, api_key=buyer.customer.api_key) as door:
        accepted = door.order(owner, buyer.prompt, model="nano-banana", metadata={"thread": "7"})
        image = door.wait(owner, accepted.id, timeout=300)
        state = door.state()
    assert (image.status, image.metadata) == ("completed", {"thread": "7"})
    assert state
    assert state.state == "open"


def test_order_is_heard_to_its_end_over_redis(client: Client, buyer: Buyer) -> None:
    with client, RedisDoor(buyer.system.stack.settings.redis_url) as door:
        ordered = client.order(buyer.prompt, model="nano-banana", metadata={"thread": "7"})
        told: list[Notification] = []
        for notification in door.notifications(group=f"test-{uuid4()}", consumer="one"):
            if notification.data["generation_id"] == ordered.id:
                told.append(notification)
                if notification.type == "generation.completed":
                    break
    assert [each.type for each in told][:2] == ["generation.accepted", "generation.moved"]
    assert [each.sequence for each in told] == sorted(each.sequence or 0 for each in told)
    assert {each.data["metadata"]["thread"] for each in told} == {"7"}


def test_failure_is_an_error_that_says_why(client: Client, buyer: Buyer) -> None:
    word = buyer.system.behave(outcome="fail", fail_code="500", fail_msg="out of order")
    with client, pytest.raises(GenerationFailed) as failed:
        client.generate(f"a boat {word}", model="nano-banana", timeout=300)
    generation = failed.value.generation
    assert generation.error
    assert (generation.error.code, generation.credits.captured) == ("provider_failed", 0)


def test_many_orders_are_awaited_at_one_time(buyer: Buyer) -> None:
    async def follow(client: AsyncClient) -> list[Event]:
        order = await client.order(buyer.prompt, model="nano-banana")
        return [event async for event in client.events(order.id)]

    async def follow_all() -> list[list[Event]]:
        async with AsyncClient(buyer.system.stack.gateway_url, buyer.customer.api_key) as client:
            return await asyncio.gather(*[follow(client) for _ in range(5)])

    told = asyncio.run(follow_all())
    assert len({events[0].generation_id for events in told}) == 5
    assert {events[-1].status for events in told} == {"completed"}
