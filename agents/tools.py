"""The tools: name, description, arguments, result, and the work of each. Every protocol takes them from `TOOLS`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from agents import words
from agents.arguments import (
    Arguments,
    Creation,
    Estimate,
    ExtendVideo,
    GenerateImage,
    GenerateVideo,
    ListModels,
    OfGeneration,
    Wait,
)
from agents.results import Cost, GenerationState, ModelChoice, ModelChoices
from agents.service import Reelworks
from schemas.api import GenerationResource
from schemas.errors import InvalidRequest, RequestError
from schemas.estimate_api import EstimateResource
from schemas.orders import GenerationRequest
from schemas.setting_groups import CONFIRM_ABOVE_CREDITS
from schemas.stages import TERMINAL


@dataclass(frozen=True)
class Desk:
    """The means of one call."""

    reelworks: Reelworks
    """Does the work."""
    confirm_above: int | None = CONFIRM_ABOVE_CREDITS
    """The credits of one order that need no consent. None: no order needs one."""
    ask: Callable[[str, int], Awaitable[bool | None]] | None = None
    """Asks the user, by a question and its price. None, or the answer None: the user cannot be asked."""
    progress: Callable[[float, str], Awaitable[None]] | None = None
    """Takes percent and a stage. None: the caller wants no progress."""


@dataclass(frozen=True)
class Answer:
    """The answer of a tool."""

    text: str
    """For the model."""
    data: BaseModel | None = None
    """For programs. None: the answer refuses."""
    generation: GenerationResource | None = field(default=None, repr=False)
    """The generation, whose stored files belong to the answer."""


@dataclass(frozen=True)
class Tool:
    """A tool."""

    name: str
    """The name."""
    title: str
    """The name for people."""
    description: str
    """What the tool does, for the model that chooses tools."""
    arguments: type[Arguments]
    """The arguments."""
    result: type[BaseModel]
    """The data of the answer."""
    run: Callable[[Desk, Any], Awaitable[Answer]]
    """Does the work."""
    is_read: bool = True
    """Whether the tool changes nothing."""
    is_destructive: bool = False
    """Whether the tool ends something."""
    is_order: bool = False
    """Whether the tool makes a generation, which a client may follow as a task."""


async def _create(desk: Desk, wanted: Creation) -> Answer:
    return await _order(desk, wanted, wanted.request())


async def _extend(desk: Desk, wanted: ExtendVideo) -> Answer:
    request = wanted.request()
    if wanted.model is None:
        # Every model refuses a wrong variant. The estimate of the order tells why.
        plain = wanted.model_copy(update={"variants": None}).request()
        request = request.model_copy(update={"model": await _extender(desk.reelworks, plain)})
    return await _order(desk, wanted, request)


async def _order(desk: Desk, wanted: Creation, request: GenerationRequest) -> Answer:
    estimate = await desk.reelworks.estimate(request)
    if (refusal := await _without_consent(desk, estimate, wanted.confirm_credits)) is not None:
        return Answer(refusal)
    found, is_new = await desk.reelworks.order(request, wanted.idempotency_key)
    time = words.usual_time(found.kind, estimate)
    return about(found, words.started(found, time) if is_new else words.again(found))


async def _without_consent(desk: Desk, estimate: EstimateResource, agreed: int | None) -> str | None:
    """The refusal of an order above the limit. None: the order may be made."""
    limit, price = desk.confirm_above, estimate.credits
    if limit is None or price <= limit or (agreed is not None and agreed >= price):
        return None
    answer = None if desk.ask is None else await desk.ask(words.question(price, estimate.model, limit), price)
    if answer is None:
        return words.unconfirmed(price, estimate.model, limit)
    return None if answer else words.DECLINED


async def _extender(reelworks: Reelworks, request: GenerationRequest) -> str:
    """The cheapest model that goes on from a video."""
    extenders = [
        card["name"] for card in await reelworks.models() if (card["capabilities"] or {}).get("continues_video")
    ]
    prices: dict[str, int] = {}
    for name in extenders:
        try:
            prices[name] = (await reelworks.estimate(request.model_copy(update={"model": name}))).credits
        except RequestError as error:
            # The door raises InvalidRequest; `reelworks mcp` raises Refused, read from the answer.
            if error.http_status != InvalidRequest.http_status:
                raise
    if not prices:
        hint = (
            f"these models extend some videos: {', '.join(extenders)}" if extenders else "no model here extends videos"
        )
        raise InvalidRequest(f"no model extends this video; {hint}")
    return min(prices, key=lambda name: prices[name])


async def _list_models(desk: Desk, wanted: ListModels) -> Answer:
    cards = [card for card in await desk.reelworks.models() if card["status"] == "active"]
    models = [ModelChoice.of(card) for card in cards if wanted.kind in {None, card["kind"]}]
    lines = [f"- {one.name} ({one.kind}): {one.good_for or one.description}; {one.price}" for one in models]
    return Answer("\n".join([f"{len(models)} models can be ordered:", *lines]), ModelChoices(models=models))


async def _get(desk: Desk, wanted: OfGeneration) -> Answer:
    found = await desk.reelworks.generation(wanted.generation_id)
    return about(found, words.state(found))


async def _wait(desk: Desk, wanted: Wait) -> Answer:
    found = await desk.reelworks.generation(wanted.generation_id)
    if found.stage not in TERMINAL:
        with suppress(TimeoutError):
            async with asyncio.timeout(wanted.seconds):
                await follow(desk, wanted.generation_id)
        found = await desk.reelworks.generation(wanted.generation_id)
    return about(found, words.state(found))


async def follow(desk: Desk, generation_id: UUID) -> None:
    """Report progress until the end. A value is reported once: progress of MCP only grows."""
    told = -1
    async with aclosing(desk.reelworks.follow(generation_id)) as sights:
        async for sight in sights:
            if desk.progress is not None and sight.progress > told:
                told = sight.progress
                await desk.progress(told, sight.stage)


async def _cancel(desk: Desk, wanted: OfGeneration) -> Answer:
    found = await desk.reelworks.cancel(wanted.generation_id)
    return about(found, words.state(found))


async def _estimate(desk: Desk, wanted: Estimate) -> Answer:
    found = await desk.reelworks.estimate(wanted.request())
    return Answer(words.cost(found, wanted.kind), Cost.of(found))


def about(found: GenerationResource, text: str) -> Answer:
    """The answer about a generation."""
    return Answer(text, GenerationState.of(found), found)


TOOLS: Sequence[Tool] = (
    Tool(
        "generate_image",
        "Generate an image",
        "Generate an AI image from a text prompt, and from pictures where the model takes them. Use this when the user "
        "asks you to create, generate, draw or edit a picture. Returns an id at once: the image is made meanwhile, "
        "usually within seconds. Then call wait_for_generation.",
        GenerateImage, GenerationState, _create, is_read=False, is_order=True,
    ),
    Tool(
        "generate_video",
        "Generate a video",
        "Generate an AI video from a text prompt, and from pictures where the model takes them. Use this when the user "
        "asks you to create, generate, or make a video or animation. Returns an id at once: the video is made "
        "meanwhile, usually within minutes. Then call wait_for_generation.",
        GenerateVideo, GenerationState, _create, is_read=False, is_order=True,
    ),
    Tool(
        "extend_video",
        "Extend a video",
        "Generate a video that goes on where a completed video ends. Returns an id at once, as generate_video.",
        ExtendVideo, GenerationState, _extend, is_read=False, is_order=True,
    ),
    Tool(
        "list_models",
        "List the models",
        "List the models that can be ordered, with what each is good for, its settings and its price.",
        ListModels, ModelChoices, _list_models,
    ),
    Tool(
        "get_generation",
        "See a generation",
        "Tell how a generation stands now; if it is completed, with links to its result and its variants. To wait for "
        "the result, call wait_for_generation.",
        OfGeneration, GenerationState, _get,
    ),
    Tool(
        "wait_for_generation",
        "Wait for a generation",
        "Wait up to 50 seconds for the result of a generation, and report progress. If it is not done by then, the "
        "answer says how it stands: call the tool again.",
        Wait, GenerationState, _wait,
    ),
    Tool(
        "cancel_generation",
        "Cancel a generation",
        "Cancel a generation that is not done. The credits come back if its provider has not begun, or can stop.",
        OfGeneration, GenerationState, _cancel, is_read=False, is_destructive=True,
    ),
    Tool(
        "estimate",
        "Estimate an order",
        "Tell the price and the usual time of an image or a video, before the order. Nothing is ordered.",
        Estimate, Cost, _estimate,
    ),
)  # fmt: skip
"""All tools."""

BY_NAME = {tool.name: tool for tool in TOOLS}
"""The tools by name."""
