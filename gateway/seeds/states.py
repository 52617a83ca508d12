"""Stored generations in the form of the seeds' `/video` and `/image`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any
from urllib.parse import quote
from uuid import UUID

from gateway.problems import NoResult
from gateway.public_links import PublicLinks
from gateway.seeds.answers import ImageAnswer, ImageData, VideoAnswer, VideoData
from gateway.seeds.errors import GenerationFailed, status_of
from gateway.seeds.makers import maker_of
from notify.resources import credits_of, failure_of, outcome_of
from schemas.api import GenerationCredits
from schemas.enums import AssetRole, ErrorCode, Kind, Status
from schemas.errors import RequestError
from schemas.orders import Inputs, Order
from schemas.setting_groups import RetentionSettings
from schemas.stages import TERMINAL
from schemas.stages import status_of as status_in
from schemas.tables import Asset
from storage import assets
from storage.details import Details

Link = Callable[[Asset], str]
"""Makes the link to a result."""

_PLURALS = {Kind.VIDEO: "videos", Kind.IMAGE: "images"}


@dataclass(frozen=True)
class Made:
    """The generations of one order."""

    found: Sequence[Details]
    """The generations, at least one."""
    batch_id: UUID | None
    """The batch of several generations. None for one."""
    retention: RetentionSettings
    """Says for how long files are kept."""
    named: str | None = None
    """The customer whom the request named."""

    @property
    def kind(self) -> Kind:
        """The kind of the results."""
        return self.found[0].generation.kind

    @property
    def id(self) -> UUID:
        """The id of the order."""
        return self.batch_id or self.found[0].generation.id

    @property
    def is_over(self) -> bool:
        """Whether every generation has ended."""
        return all(map(_is_over, self.found))

    @property
    def first(self) -> Details:
        """The generation that stands for the order: the first with a result, else unfinished, else the first of all."""
        unfinished = next((each for each in self.found if not _is_over(each)), self.found[0])
        return next((each for each in self.found if self.result_of(each)), unfinished)

    def result_of(self, details: Details) -> Asset | None:
        """The stored result of a generation."""
        return self._kept(details, AssetRole.RESULT)

    def poster_of(self, details: Details) -> Asset | None:
        """The stored still picture of a generation."""
        return self._kept(details, AssetRole.POSTER)

    def _kept(self, details: Details, role: AssetRole) -> Asset | None:
        if status_in(details.generation.stage) is not Status.COMPLETED:
            return None
        kept = (asset for asset in details.assets if assets.gone_at(asset, self.retention) is None)
        return next((asset for asset in kept if asset.role is role), None)


def _is_over(details: Details) -> bool:
    return details.generation.stage in TERMINAL


def failure_in(made: Made) -> RequestError | None:
    """The error of an order that has ended without any result. None for every other order."""
    row = made.first.generation
    if not made.is_over or any(status_in(each.generation.stage) is Status.COMPLETED for each in made.found):
        return None
    failure, outcome = failure_of(row), outcome_of(made.first)
    words = " ".join(text for text in (outcome and outcome.message, failure and f"({failure.message})") if text)
    extra: dict[str, object] = {"id": str(made.id)}
    if failure is None:
        return NoResult(words, extra)
    return GenerationFailed(ErrorCode(failure.code), words, extra)


def answer_of(made: Made, links: PublicLinks, link: Link) -> VideoAnswer | ImageAnswer:
    """The answer about an order.

    Args:
        links: makes the links to still pictures.
        link: makes the links to results.
    """
    code, message = _told(made)
    several = [_item(made, each, links, link) for each in made.found] if made.batch_id else []
    facts = {"success": code < 300, "code": code, "message": message}
    data = {**_item(made, made.first, links, link), **_facts(made)}
    if made.kind is Kind.IMAGE:
        return ImageAnswer(**facts, data=ImageData.model_validate({**data, "images": several}))
    return VideoAnswer(**facts, data=VideoData.model_validate({**data, "videos": several}))


def _told(made: Made) -> tuple[int, str]:
    """The code and the message of an answer."""
    failure = failure_in(made)
    if failure is not None:
        return status_of(failure), failure.detail
    count, ready = len(made.found), sum(made.result_of(each) is not None for each in made.found)
    name = made.kind.value if count == 1 else _PLURALS[made.kind]
    if not made.is_over:
        row = made.first.generation
        state = f"is {status_in(row.stage)}, {row.progress} % done" if count == 1 else f"are being made, {ready} ready"
        return 202, f"the {name} {state}: ask again at {status_path(made)}"
    if count == 1:
        return 200, f"the {name} is ready" if ready else f"the {name} was made, and its file was deleted since"
    return 200, f"{ready} of {count} {name} are ready"


def status_path(made: Made) -> str:
    """The path at which to ask for an order."""
    return f"/{made.kind}/{made.id}" + (f"?customer_id={quote(made.named, safe='')}" if made.named else "")


def _item(made: Made, details: Details, links: PublicLinks, link: Link) -> dict[str, Any]:
    row, failure = details.generation, failure_of(details.generation)
    result, poster = made.result_of(details), made.poster_of(details)
    return {
        "id": row.id,
        "status": status_in(row.stage),
        "progress": row.progress,
        f"{made.kind}_url": result and link(result),
        "thumbnail_url": poster and links.of(poster),
        "width": result and result.width,
        "height": result and result.height,
        "content_type": result and result.content_type,
        "error": failure and failure.model_dump(),
    }


def _facts(made: Made) -> dict[str, Any]:
    row = made.first.generation
    order = Order.model_validate(row.order)
    return {
        "id": made.id,
        "status": _status(made),
        "progress": sum(each.generation.progress for each in made.found) // len(made.found),
        "provider": maker_of(row.model, row.provider or order.routes[0].provider),
        "model": order.requested_model or row.model,
        "served_by": {"provider": row.provider or order.routes[0].provider, "model": row.model},
        "duration": order.inputs.duration_seconds,
        "settings": _settings(order.inputs) | {f"number_of_{_PLURALS[made.kind]}": len(made.found)},
        "credits": reduce(_sum, (credits_of(each.generation.credits, each.moved) for each in made.found)),
        "status_url": status_path(made),
        "created_at": row.created_at,
    }


def _status(made: Made) -> Status:
    """The status of an order: completed with at least one result, once every generation has ended."""
    states = {status_in(each.generation.stage) for each in made.found}
    if len(states) == 1:
        return states.pop()
    if not made.is_over:
        return Status.PROCESSING
    return Status.COMPLETED if Status.COMPLETED in states else Status.FAILED


def _settings(inputs: Inputs) -> dict[str, Any]:
    taken = inputs.model_dump(exclude={"prompt", "image_urls", "video_urls", "audio"}, exclude_none=True)
    return taken if inputs.audio is None else {**taken, "generate_audio": inputs.audio}


def _sum(one: GenerationCredits, other: GenerationCredits) -> GenerationCredits:
    return GenerationCredits(
        price=one.price + other.price,
        held=one.held + other.held,
        captured=one.captured + other.captured,
        released=one.released + other.released,
    )
