"""`POST /openai/v1/videos/…/remix`, `/edits` and `/extensions`: videos from videos, where a model can."""

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BeforeValidator, ConfigDict, Field, JsonValue

from gateway.authentication import TheCustomer, customers_router
from gateway.dependencies import GatewayServices, ServicesOf
from gateway.openai.bodies import Body, body_of
from gateway.openai.names import meant
from gateway.openai.ordering import catalogue_of, in_this_dialect
from gateway.openai.video_answers import OpenaiVideo
from gateway.openai.video_bodies import documented
from gateway.openai.video_creates import Create, created
from gateway.openai.video_ids import VIDEOS, VideoId, generation_of, parsed
from gateway.openai.video_lookup import find_video
from gateway.openai.video_orders import request_of, turn_of
from gateway.ordering import IdempotencyKeyHeader
from providers.catalogue import Catalogue
from providers.catalogue.fitting import Fitted
from schemas.enums import Door, Kind
from schemas.errors import InvalidRequest, NotFound
from schemas.inputs import Facts, InputUrl, generation_url
from schemas.orders import GenerationRequest, OptionalWholeNumber, TurnFields
from schemas.text import Name, OptionalName, Prose
from schemas.webhook_urls import EndpointUrl

router = customers_router(VIDEOS, Door.OPENAI)

_NAMES: Mapping[str, str] = {
    "video_urls": "video", "video_urls.0": "video", "duration_seconds": "seconds", "kind": "model",
}  # fmt: skip

# A video of nominally 5 seconds can have some more frames.
_SPARE_SECONDS = 0.5


class Change(StrEnum):
    """What happens to a video."""

    EDIT = "edit"
    """The video is made anew, by the prompt."""

    EXTENSION = "extension"
    """The video goes on where it ends."""


def _source(value: object) -> object:
    """The URL of a video: of a file, of a video that was made here, or on another server."""
    if isinstance(value, dict):
        if value.keys() != {"id"}:
            raise ValueError("must be a file, or an object with the `id` of a video")
        value = value["id"]
    made_here = parsed(value) if isinstance(value, str) else None
    return value if made_here is None else generation_url(made_here)


Source = Annotated[InputUrl, BeforeValidator(_source)]


class RemixFields(TurnFields):
    """The fields of a remix."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"prompt": "the same at night"}]}
    )

    prompt: Prose = Field(description="the change", min_length=1, max_length=20_000)
    model: OptionalName = Field(default=None, description="left out: the first model that can", max_length=200)
    metadata: dict[Name, Prose] = Field(default={}, description="kept with the video", max_length=16)
    callback_url: EndpointUrl | None = Field(
        default=None, description="where a signed message goes when the video ends; https"
    )


_EXAMPLE: dict[str, JsonValue] = {
    "prompt": "the same at night",
    "video": {"id": "video_3e41a28d5bf940cea038dc975dda27ad"},
}


class EditFields(RemixFields):
    """The fields of an edit."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    video: Source = Field(description="the video: a file, `{id}` of a video of yours, `upload:ID`, or a URL")


class ExtensionFields(EditFields):
    """The fields of an extension."""

    seconds: OptionalWholeNumber = Field(
        default=None, description="the length of the new part; the model's nearest length is taken", gt=0, le=600
    )


@router.post("/{video_id}/remix", summary="Make a video anew, by a prompt", **documented(RemixFields, NotFound))
async def remix_video(
    video_id: VideoId,
    request: Request,
    response: Response,
    services: ServicesOf,
    customer: TheCustomer,
    idempotency_key: IdempotencyKeyHeader = None,
) -> OpenaiVideo:
    """Makes a video from one of yours with a model that changes videos, at that model's price."""
    source = generation_of(video_id)
    async with body_of(request, services, customer.id) as body:
        fields = EditFields.model_validate({**dict(body.parsed(RemixFields)), "video": source.hex})
        return await _changed(Change.EDIT, fields, body, request, response, idempotency_key, remixed=video_id)


@router.post("/edits", summary="Change a video", **documented(EditFields, files=("video",)))
async def edit_video(
    request: Request,
    response: Response,
    services: ServicesOf,
    customer: TheCustomer,
    idempotency_key: IdempotencyKeyHeader = None,
) -> OpenaiVideo:
    """Makes a video from another with a model that changes videos, at that model's price."""
    async with body_of(request, services, customer.id) as body:
        return await _changed(Change.EDIT, body.parsed(EditFields), body, request, response, idempotency_key)


@router.post("/extensions", summary="Extend a video", **documented(ExtensionFields, files=("video",)))
async def extend_video(
    request: Request,
    response: Response,
    services: ServicesOf,
    customer: TheCustomer,
    idempotency_key: IdempotencyKeyHeader = None,
) -> OpenaiVideo:
    """Makes a video that goes on where another ends, with a model that can. The result is as the model delivers it."""
    async with body_of(request, services, customer.id) as body:
        fields = body.parsed(ExtensionFields)
        return await _changed(Change.EXTENSION, fields, body, request, response, idempotency_key)


async def _changed(
    change: Change,
    fields: EditFields,
    body: Body,
    request: Request,
    response: Response,
    idempotency_key: str | None,
    *,
    remixed: str | None = None,
) -> OpenaiVideo:
    services: GatewayServices = request.app.state.services

    async def fit(stored: GenerationRequest) -> Fitted:
        if remixed is not None:
            await find_video(remixed, services, request.state.caller.customer)
        with in_this_dialect(_NAMES):
            facts = await services.intake.facts_about(stored, request.state.caller.payer)
            return _fitted(change, catalogue_of(request), stored, facts)

    sent = fields.model_dump(mode="json", exclude_unset=True)
    order = _order(fields, services.settings.openai.models)
    create = Create(f"videos.{change}", sent, body, order, fit, _NAMES, idempotency_key)
    return await created(create, request, response)


def _order(fields: EditFields, models: Mapping[str, str]) -> GenerationRequest:
    values: dict[str, Any] = {
        "kind": Kind.VIDEO,
        "model": meant(fields.model, models),
        "prompt": fields.prompt,
        "video_urls": [fields.video],
        "duration_seconds": fields.seconds if isinstance(fields, ExtensionFields) else None,
        "metadata": fields.metadata,
        "callback_url": fields.callback_url,
        **turn_of(fields),
    }
    return request_of(values, _NAMES)


def _fitted(change: Change, catalogue: Catalogue, order: GenerationRequest, facts: Facts) -> Fitted:
    """The order with the first model that can, and with that model's settings.

    Raises:
        InvalidRequest: no model can.
    """
    if change is Change.EDIT:
        order = _with_length(order, facts)
    if order.model is None:
        able = catalogue.editing(order, facts) if change is Change.EDIT else catalogue.extending(order, facts)
        if not able:
            verb = "change" if change is Change.EDIT else "extend"
            text = f"is a video that no model here can {verb}: name a `model`, and the answer says why it cannot"
            raise InvalidRequest.of_fields([("video_urls", text)])
        order = order.model_copy(update={"model": able[0]})
    fits = catalogue.fitted(order, facts)
    # The length of an edit follows from its video, and no customer asked for another.
    told = tuple(one for one in fits.changes if change is Change.EXTENSION or one.field != "duration_seconds")
    return Fitted(fits.request, told)


def _with_length(order: GenerationRequest, facts: Facts) -> GenerationRequest:
    """The order with the length of its video, which decides the price of models that keep the length."""
    known = [facts[url].duration_seconds for url in order.video_urls if url in facts]
    seconds = next((one for one in known if one is not None), None)
    if seconds is None:
        return order
    return order.model_copy(update={"duration_seconds": max(1, math.ceil(seconds - _SPARE_SECONDS))})
