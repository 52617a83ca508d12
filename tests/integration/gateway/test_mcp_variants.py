"""Variants in the orders and in the answers of the tools, at the door and of `reelworks mcp`."""

import base64
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import mcp_types as types
import pytest
from mcp import Client, MCPError

from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tasks import variants
from tasks.services import WorkerServices
from tests.integration.gateway import mcp_sessions, test_mcp_stdio
from tests.integration.gateway.finishing import complete, complete_with_variants
from tests.integration.gateway.mcp_sessions import IMAGE, VIDEO, text_of
from tests.integration.gateway.test_mcp import AS_VIDEO
from tests.media_files.images import png
from tests.support import NewCustomer

WEB: dict[str, object] = {"kind": "web"}
SMALL: dict[str, object] = {"name": "small", "width": 16}

Session = Callable[[Callable[[Client], Awaitable[None]]], None]


@pytest.fixture(params=["door", "command"])
def session(request: pytest.FixtureRequest, gateway: httpx.Client, customer: NewCustomer) -> Session:
    """Runs a coroutine function with a client of the door, or of the command beside an agent."""
    if request.param == "door":
        return lambda work: mcp_sessions.in_session(gateway, customer.headers, work)
    return lambda work: test_mcp_stdio.in_session(gateway, customer.api_key, work)


@pytest.fixture
def generation_id(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> UUID:
    """A completed picture with two variants, which are not made yet."""
    return complete_with_variants(database, settings, objects, customer, png(64, 64), WEB, SMALL)


async def told_by(client: Client, tool: str, generation_id: UUID) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The text of a tool, its variants by name, and its links to variants by URI."""
    answer = await client.call_tool(tool, {"generation_id": str(generation_id)})
    links = [block for block in answer.content if isinstance(block, types.ResourceLink)]
    of_variants = {link.uri: link for link in links if "/variants/" in link.uri}
    return text_of(answer), {each["name"]: each for each in answer.structured_content["variants"]}, of_variants


def uri(generation_id: UUID, name: str) -> str:
    return f"reelworks://generations/{generation_id}/variants/{name}"


def test_variants_that_are_not_made_yet_are_named_and_cannot_be_read(session: Session, generation_id: UUID) -> None:
    async def work(client: Client) -> None:
        text, told, links = await told_by(client, "wait_for_generation", generation_id)
        assert "- web (web): pending\n- small (copy): pending\nCall get_generation with this id" in text
        assert {name: (each["state"], each["uri"]) for name, each in told.items()} == {
            "web": ("pending", None),
            "small": ("pending", None),
        }
        assert links == {}
        with pytest.raises(MCPError, match=r"the variant small of generation .* is not made yet"):
            await client.read_resource(uri(generation_id, "small"))
        with pytest.raises(MCPError, match="has no variant large; its variants: web, small"):
            await client.read_resource(uri(generation_id, "large"))
        with pytest.raises(MCPError, match=r"has no variant sk-\[…\]; its variants: web, small"):
            await client.read_resource(uri(generation_id, f"sk-{'ab3de' * 5}"))

    session(work)


@pytest.mark.parametrize("tool", ["wait_for_generation", "get_generation"])
def test_variants_that_are_made_are_links_to_their_bytes(
    session: Session, gateway: httpx.Client, customer: NewCustomer, generation_id: UUID, worker: WorkerServices,
    tool: str,
) -> None:  # fmt: skip
    variants.run(worker)

    def fetched(name: str) -> httpx.Response:
        path = f"/v1/generations/{generation_id}/content"
        return gateway.get(path, params={"variant": name, "delivery": "stream"}, headers=customer.headers)

    async def work(client: Client) -> None:
        text, told, links = await told_by(client, tool, generation_id)
        assert text.endswith("Variants:\n- web (web): ready\n- small (copy): ready")
        assert links.keys() == {uri(generation_id, name) for name in ("web", "small")}
        for name in ("web", "small"):
            there = fetched(name)
            link = links[told[name]["uri"]]
            assert (link.mime_type, link.size) == (there.headers["content-type"], len(there.content))
            assert (told[name]["content_type"], told[name]["size_bytes"]) == (link.mime_type, link.size)
            read = await client.read_resource(link.uri)
            assert isinstance(read.contents[0], types.BlobResourceContents)
            assert base64.b64decode(read.contents[0].blob) == there.content

    session(work)


def test_variant_that_is_the_result_itself_leads_to_the_result(
    session: Session, database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer,
    worker: WorkerServices,
) -> None:  # fmt: skip
    # `web` of a longer picture is the picture.
    generation_id = complete_with_variants(database, settings, objects, customer, png(16400, 1), WEB)
    variants.run(worker)

    async def work(client: Client) -> None:
        _, told, links = await told_by(client, "get_generation", generation_id)
        assert told["web"]["state"] == "ready"
        assert told["web"]["uri"] == f"reelworks://generations/{generation_id}/content"
        assert links == {}
        read = await client.read_resource(uri(generation_id, "web"))
        assert isinstance(read.contents[0], types.BlobResourceContents)
        assert base64.b64decode(read.contents[0].blob) == png(16400, 1)

    session(work)


def test_variant_that_failed_tells_its_reason(
    session: Session, gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore,
    customer: NewCustomer, worker: WorkerServices,
) -> None:  # fmt: skip
    generation_id = complete_with_variants(database, settings, objects, customer, b"no picture", SMALL)
    variants.run(worker)
    document = gateway.get(f"/v1/generations/{generation_id}", headers=customer.headers).json()
    reason = document["variants"][0]["error"]["message"]

    async def work(client: Client) -> None:
        text, told, links = await told_by(client, "get_generation", generation_id)
        assert text.endswith(f"Variants:\n- small (copy): failed: {reason}")
        assert (told["small"]["state"], told["small"]["problem"], told["small"]["uri"]) == ("failed", reason, None)
        assert links == {}
        with pytest.raises(MCPError, match=r"the variant small of generation .* was not made"):
            await client.read_resource(uri(generation_id, "small"))

    session(work)


def test_an_order_with_variants_ends_with_a_link_for_each(
    session: Session, database: Database, settings: Settings, objects: ObjectStore, gateway: httpx.Client,
    customer: NewCustomer, worker: WorkerServices,
) -> None:  # fmt: skip
    prices: list[int] = []

    async def work(client: Client) -> None:
        plain = await client.call_tool("estimate", {**IMAGE, "kind": "image"})
        with_variants = await client.call_tool("estimate", {**IMAGE, "kind": "image", "variants": ["web", SMALL]})
        assert with_variants.structured_content == plain.structured_content

        ordered = await client.call_tool("generate_image", {**IMAGE, "variants": ["web", SMALL]})
        assert not ordered.is_error, text_of(ordered)
        assert "variants are made after its end, at no cost: web, small." in text_of(ordered)
        told = [(each["name"], each["kind"], each["state"]) for each in ordered.structured_content["variants"]]
        assert told == [("web", "web", "pending"), ("small", "copy", "pending")]

        generation_id = UUID(ordered.structured_content["generation_id"])
        complete(database, settings, objects, generation_id, png(64, 64))
        variants.run(worker)
        _, made, links = await told_by(client, "get_generation", generation_id)
        assert {name: each["state"] for name, each in made.items()} == {"web": "ready", "small": "ready"}
        assert links.keys() == {uri(generation_id, name) for name in ("web", "small")}
        prices.append(plain.structured_content["credits"])

    session(work)
    (made,) = gateway.get("/v1/generations", headers=customer.headers).json()["data"]
    assert [made["credits"]["captured"]] == prices


WRONG: tuple[tuple[str, object, str], ...] = (
    ("image", ["gif"], 'must be "web", "preview", "sprites", "copy" or "hls"'),
    ("image", ["web", "web"], "two variants have the name 'web'"),
    ("image", ["hls"], "hls is of videos"),
    ("video", [{"name": "small", "width": 8}], "must be at least 16"),
    ("video", [{"name": "small", "width": 64, "format": "webp"}], "format is of pictures"),
    ("video", [{"name": f"v{n}", "width": 64} for n in range(9)], "may have up to 8 entries"),
    ("video", "web", "must be a list"),
)
"""The kind of a result, variants that it cannot have, and the words of the API about them."""


def test_a_wrong_variant_is_refused_in_the_words_of_the_api_and_costs_nothing(
    session: Session, gateway: httpx.Client, customer: NewCustomer
) -> None:
    before = gateway.get("/v1/me", headers=customer.headers).json()["credits"]
    told: list[tuple[str, dict[str, object], dict[str, str]]] = []
    for kind, wanted, words in WRONG:
        order = {"model": (IMAGE if kind == "image" else VIDEO)["model"], "prompt": "a boat", "variants": wanted}
        there = gateway.post("/v1/generations", json=order, headers=customer.headers).json()
        assert words in there["detail"]
        told.append((kind, order, there))

    async def work(client: Client) -> None:
        for kind, order, there in told:
            for tool, arguments in ((f"generate_{kind}", order), ("estimate", {**order, "kind": kind})):
                refused = await client.call_tool(tool, arguments)
                assert (refused.is_error, refused.structured_content) == (True, None)
                assert text_of(refused).endswith(f" ({there['code']}): {there['detail']}")

    session(work)
    assert gateway.get("/v1/generations", headers=customer.headers).json()["data"] == []
    assert gateway.get("/v1/me", headers=customer.headers).json()["credits"] == before


def test_an_extension_with_a_wrong_variant_is_told_of_the_variant(
    session: Session, gateway: httpx.Client, database: Database, settings: Settings, objects: ObjectStore,
    customer: NewCustomer,
) -> None:  # fmt: skip
    video = {"model": "veo-3-fast", "prompt": "a boat", "resolution": "720p"}
    first = gateway.post("/v1/generations", json=video, headers=customer.headers).json()["id"]
    complete(database, settings, objects, UUID(first), b"a video")
    with database.transaction() as sql:
        sql.execute(AS_VIDEO, {"id": first})
    wanted = {"generation_id": first, "prompt": "it sinks", "confirm_credits": 1000}

    async def work(client: Client) -> None:
        wrong = [{"name": "small", "width": 64, "format": "webp"}]
        refused = await client.call_tool("extend_video", {**wanted, "variants": wrong})
        assert refused.is_error
        assert "small: format is of pictures" in text_of(refused)
        extended = await client.call_tool("extend_video", {**wanted, "variants": ["web"]})
        assert not extended.is_error, text_of(extended)
        assert [each["name"] for each in extended.structured_content["variants"]] == ["web"]

    session(work)
