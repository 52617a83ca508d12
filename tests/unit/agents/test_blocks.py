"""The files of a generation, as the tools hand them on."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from agents.blocks import content_of
from agents.remote import RemoteReelworks
from schemas.api import GenerationResource
from schemas.errors import InvalidRequest

GENERATION: Any = GenerationResource.model_json_schema()["examples"][0]
VARIANT: Any = {
    "name": "web", "kind": "web", "state": "ready", "origin": "encoded", "keeps_provenance": False, "error": None,
    "files": [], "content": "/v1/generations/a/content?variant=web", "finished_at": "2026-11-20T12:00:09Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        ("content", {"assets": []}, "has no content to read"),
        ("variants/web", {"variants": [VARIANT]}, "the variant web of generation .* has no file to read"),
    ],
)
def test_a_file_that_the_document_does_not_list_is_refused_with_words(
    part: str, changes: dict[str, object], words: str
) -> None:
    async def read() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json={**GENERATION, **changes}))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
            await content_of(RemoteReelworks(http), UUID(GENERATION["id"]), part)

    with pytest.raises(InvalidRequest, match=words):
        asyncio.run(read())
