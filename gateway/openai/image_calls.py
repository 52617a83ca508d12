"""Serves an image request: the order is recorded first, and the request then waits for the images."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from uuid import UUID

from anyio import to_thread
from fastapi import Request
from fastapi.responses import Response

from gateway.dependencies import GatewayServices
from gateway.event_stream import until_end
from gateway.openai.errors import MayBeRecorded
from gateway.openai.image_answers import images_answer
from gateway.openai.image_errors import interrupted, of_generations, unfinished, without_result
from gateway.openai.image_orders import ImageOrder
from gateway.openai.ordering import Taken, fitted, take_all
from gateway.public_links import PublicLinks
from intake.callers import Caller
from intake.digests import Digest
from providers.catalogue.fitting import Change
from schemas.enums import Stage
from schemas.errors import GenerationDeleted, TooManyRequests, Unavailable
from schemas.shares import NoPlace
from schemas.stages import TERMINAL
from storage import details
from storage.batches import EarlierOrder
from storage.details import Details
from storage.outages import OUTAGES


async def served(
    request: Request,
    order: ImageOrder,
    digest: Digest,
    earlier: EarlierOrder | None,
    *,
    idempotency_key: str | None,
    seconds: float,
) -> Response:
    """The answer to an image request, after up to `seconds`. A client that goes leaves the order as it is.

    Args:
        earlier: the order that the request repeats. None: a new one.

    Raises:
        RequestError: the order is refused, or has ended without an image, or has not ended.
    """
    services: GatewayServices = request.app.state.services
    caller: Caller = request.state.caller
    with _place(services, caller.customer.id):
        taken, changes = await _taken(request, order, digest, earlier, idempotency_key)
        try:
            await _until_ended(taken.ids, request, services, seconds)
            found = await _read(taken.ids, services, caller.customer.id)
            made = _with_images(found, taken.ids, seconds, is_stopped=services.hub.is_stopped)
            if len(made) < len(taken.ids):
                changes.append(Change("n", str(len(taken.ids)), str(len(made))))
            links = PublicLinks(services, request)
            answer = await to_thread.run_sync(partial(images_answer, services, links, order, made, changes))
        except OUTAGES as error:
            text = "the order is recorded, and a service that we depend on does not answer: do not send it again"
            raise MayBeRecorded(text, of_generations(taken.ids)) from error
    if not taken.is_new:
        answer.headers["Idempotency-Replayed"] = "true"
    return answer


async def _taken(
    request: Request, order: ImageOrder, digest: Digest, earlier: EarlierOrder | None, idempotency_key: str | None
) -> tuple[Taken, list[Change]]:
    """The generations of the order, and the settings that they do not have as asked for."""
    if earlier is not None:
        return Taken(earlier.ids, is_new=False), [*order.ignored]
    fits = fitted(request, order.request, order.names)
    taken = await take_all(request, fits.request, order.names, digest, idempotency_key=idempotency_key)
    return taken, [*_of_fields(order, fits.changes), *order.ignored]


@contextmanager
def _place(services: GatewayServices, customer_id: UUID) -> Iterator[None]:
    """A place for the wait. Without a place, nothing is ordered: the answer would be no image."""
    try:
        with services.order_shares.taken_by(customer_id):
            yield
    except NoPlace as error:
        if error.is_own:
            raise TooManyRequests(
                f"{services.order_shares.each} of your requests wait already: send this one when one of them has ended"
            ) from None
        raise Unavailable("too many requests wait here: send this one again later") from None


def _of_fields(order: ImageOrder, changes: Sequence[Change]) -> list[Change]:
    """The changes of other fields than `size`. The answer compares the size with that of the image."""
    return [each for each in changes if order.names.get(each.field) != "size"]


async def _until_ended(ids: Sequence[UUID], request: Request, services: GatewayServices, seconds: float) -> None:
    """Wait for the end of all generations, for `seconds`, or until the client has gone."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    for generation_id in ids:
        left = max(0.0, until - loop.time())
        await until_end(services.hub, services.hub.follow(generation_id, after=0), request, seconds=left)


async def _read(ids: Sequence[UUID], services: GatewayServices, customer_id: UUID) -> list[Details]:
    return await services.loop_database.transaction(
        lambda session: details.find_all(session, ids, customer_id=customer_id)
    )


def _with_images(found: Sequence[Details], ids: Sequence[UUID], seconds: float, *, is_stopped: bool) -> list[Details]:
    """The generations with an image. Several images of one order are worth an answer although one is missing.

    Raises:
        RequestError: a generation has not ended, or no generation has an image.
    """
    kept = [each for each in found if each.generation.deleted_at is None]
    if not kept:
        raise GenerationDeleted(f"generation {ids[0]} was deleted meanwhile")
    if any(each.generation.stage not in TERMINAL for each in kept):
        raise interrupted(ids) if is_stopped else unfinished(ids, seconds=seconds)
    made = [each for each in kept if each.generation.stage is Stage.COMPLETED]
    if not made:
        raise without_result(kept[0])
    return made
