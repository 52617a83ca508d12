"""The part of Reelworks that the tools need: over HTTP for a program beside an agent, directly in the gateway."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self
from uuid import UUID

from schemas.api import GenerationResource
from schemas.enums import AssetRole
from schemas.estimate_api import EstimateResource
from schemas.orders import GenerationRequest
from schemas.variants import FilePart

ROLES = {"content": AssetRole.RESULT, "thumbnail": AssetRole.POSTER}
"""The parts of a generation that a link names, and the files that they are."""

_OF_VARIANTS = "variants/"

MOST_INLINE_BYTES = 768 * 1024
"""The largest picture inside an answer. Clients refuse answers above about a megabyte."""


@dataclass(frozen=True)
class Sight:
    """A generation as an event shows it."""

    stage: str
    """The stage after the event."""
    progress: int
    """Percent."""

    @classmethod
    def of(cls, line: str) -> Self:
        """The sight in the line `data:` of a server-sent event."""
        event = json.loads(line.removeprefix("data:"))
        return cls(event["stage"], event["progress"])


def part_of_variant(name: str) -> str:
    """The part of a generation that is the media of a variant."""
    return f"{_OF_VARIANTS}{name}"


def variant_in(part: str) -> str | None:
    """The name of the variant whose media a part is. None: the part is no variant."""
    return part.removeprefix(_OF_VARIANTS) if part.startswith(_OF_VARIANTS) else None


def path_of(generation_id: UUID, part: str) -> str:
    """Where the HTTP API delivers a part."""
    variant = variant_in(part)
    file = part if variant is None else f"content?variant={variant}&file={FilePart.MEDIA}"
    return f"/v1/generations/{generation_id}/{file}"


class Reelworks(Protocol):
    """The operations of one customer. Each refuses with a `RequestError`, as every door does."""

    async def models(self) -> Sequence[Mapping[str, Any]]:
        """The models of `/v1/models`, as JSON."""
        ...

    async def estimate(self, request: GenerationRequest) -> EstimateResource:
        """The price of an order, and the models that could make the same."""
        ...

    async def order(self, request: GenerationRequest, idempotency_key: str | None) -> tuple[GenerationResource, bool]:
        """Order, and return the generation at once, and whether this call made it."""
        ...

    async def generation(self, generation_id: UUID) -> GenerationResource:
        """A generation as it is now."""
        ...

    async def generations(self, cursor: str | None) -> tuple[Sequence[GenerationResource], str | None]:
        """One page of the customer's generations, newest first, and the cursor of the next page."""
        ...

    def follow(self, generation_id: UUID) -> AsyncGenerator[Sight, None]:
        """What happens to a generation, from now to its end."""
        ...

    async def cancel(self, generation_id: UUID) -> GenerationResource:
        """Cancel a generation, or ask its provider to stop."""
        ...

    async def file(self, generation_id: UUID, part: str) -> bytes:
        """The bytes of a stored file: `content`, `thumbnail`, or a variant. The caller has checked the size."""
        ...
