"""The steps that `/video` and `/image` share: order and wait, read, save."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlmodel import Session

from gateway import content
from gateway.authentication import caller_for
from gateway.conditions import Conditions
from gateway.dependencies import GatewayServices
from gateway.public_links import PublicLinks
from gateway.seeds.answers import MediaAnswer
from gateway.seeds.forms import MediaRequest
from gateway.seeds.inline_files import InlineFiles
from gateway.seeds.nearest import Taken
from gateway.seeds.ordering import changes_header, take
from gateway.seeds.states import Made, answer_of, failure_in, status_path
from gateway.waiting import waited
from intake.callers import Caller
from schemas.enums import Kind
from schemas.errors import NotFound
from schemas.identity_api import LONGEST_NAME
from schemas.setting_groups import RetentionSettings
from schemas.tables import Asset
from storage import batches, details, generations, sql
from storage.customers import ActingCustomer
from storage.details import Details
from storage.outages import OUTAGES

_Named = Annotated[
    str | None,
    Query(
        alias="customer_id",
        description="the customer, as in the order; only for keys that act for many customers",
        min_length=1,
        max_length=LONGEST_NAME,
        examples=["123"],
    ),
]


async def _named_customer(request: Request, named: _Named = None) -> ActingCustomer:
    return (await caller_for(request, named)).customer


NamedCustomer = Annotated[ActingCustomer, Depends(_named_customer)]
"""The customer for whom the request acts. The parameter `customer_id` may name the customer."""


async def order_media(
    wanted: MediaRequest, request: Request, services: GatewayServices, idempotency_key: str | None
) -> Response:
    """Take an order, wait for its end, and answer.

    Raises:
        RequestError: the order is refused, or has ended without a result.
    """
    caller = await caller_for(request, wanted.customer_id)
    taken = await take(wanted, request, services, caller, idempotency_key=idempotency_key)
    found = await _ended(taken, _wait(wanted, request, services), request, services, caller)
    made = Made(found, taken.batch_id, services.settings.retention, wanted.customer_id)
    if failure := failure_in(made):
        raise failure
    files, links = InlineFiles(services.objects, services.settings.seeds.inline_bytes), PublicLinks(services, request)

    def link(asset: Asset) -> str:
        return files.of(asset) if wanted.save_to_db is False and files.takes(asset) else links.of(asset)

    headers = {**changes_header(wanted, taken.changes), "Location": status_path(made)}
    if not taken.rows:
        headers["Idempotency-Replayed"] = "true"
    status = 200 if made.is_over else 202
    try:
        return await files.respond(answer_of(made, links, link), status, headers)
    except OUTAGES:
        # The order is paid for. A client might take an error for a refused order, and order again.
        return JSONResponse(answer_of(made, links, links.of).model_dump(mode="json"), status, headers)


def _wait(wanted: MediaRequest, request: Request, services: GatewayServices) -> float:
    """The seconds for which the request stays open."""
    # A large body holds one of few places until its answer, so such an order does not wait.
    if getattr(request.state, "has_large_body", False):
        return 0
    longest = services.settings.seeds.longest_wait_seconds
    asked = wanted.group.poll_timeout_seconds
    return longest if asked is None else min(asked, longest)


async def _ended(
    taken: Taken, seconds: float, request: Request, services: GatewayServices, caller: Caller
) -> Sequence[Details]:
    """The generations, for up to `seconds` until all have ended."""
    ends_at = time.monotonic() + seconds
    # `waited` writes the header of a preference, which is no part of this form.
    aside = Response()

    async def one(generation_id: UUID) -> Details:
        left = max(0, math.ceil(ends_at - time.monotonic()))
        return await waited(
            generation_id, request, aside, services, caller.customer, left, places=services.order_shares
        )

    try:
        return [await one(generation_id) for generation_id in taken.ids]
    except OUTAGES:
        if not taken.rows:
            raise
        # A client might take an error for a refused order, and order again.
        return [details.of_new(row) for row in taken.rows]


async def read_media(
    kind: Kind, media_id: UUID, request: Request, services: GatewayServices, customer: ActingCustomer
) -> MediaAnswer:
    """The answer about an order.

    Raises:
        NotFound: the customer has no such order of this kind.
    """
    find = partial(_find, kind, media_id, customer.id, services.settings.retention)
    named = request.query_params.get("customer_id")
    links = PublicLinks(services, request)
    return answer_of(replace(await services.loop_database.transaction(find), named=named), links, links.of)


def save_media(
    kind: Kind,
    media_id: UUID,
    services: GatewayServices,
    customer: ActingCustomer,
    conditions: Conditions,
    *,
    is_head: bool,
) -> Response:
    """The result as a file to save. Of several results: the first.

    Raises:
        NotFound: the customer has no such order of this kind.
        RequestError: there is no file. Says why.
    """
    with services.database.transaction() as session:
        made = _find(kind, media_id, customer.id, services.settings.retention, session)
    asked = content.Asked(
        services=services, request=None, conditions=conditions, delivery=None, is_head=is_head, is_attachment=True
    )
    return content.deliver_result(asked, customer, made.first.generation.id)


def _find(kind: Kind, media_id: UUID, customer_id: UUID, retention: RetentionSettings, session: Session) -> Made:
    """The generation with this id, or the generations of the batch with this id."""
    details.in_one_snapshot(session)
    one = generations.find(session, media_id, customer_id=customer_id)
    if one is not None:
        made = Made([details.of(session, one)], None, retention)
    else:
        ids = batches.members(sql.of(session), media_id, customer_id=customer_id)
        made = Made(details.find_all(session, ids, customer_id=customer_id), media_id, retention)
    if not made.found or made.kind is not kind:
        raise NotFound(f"you have no {kind} {media_id}")
    return made
