"""The operations of the tools, with the services of the gateway: the same steps as those of `/v1`."""

from asyncio import get_running_loop
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from uuid import UUID

from anyio import CancelScope, to_thread

from agents.service import MOST_INLINE_BYTES, ROLES, Sight, variant_in
from gateway.content import asset_of, media_of_variant
from gateway.dependencies import GatewayServices
from gateway.generation_list import GenerationsQuery, read_page
from gateway.generations import resource_of
from gateway.turns import Turn
from gateway.waiting import find
from intake.callers import Caller
from intake.cancelling import cancel
from intake.estimates import estimate_resource
from notify.resources import generation_resource
from notify.subscriptions import Subscription
from schemas.api import GenerationResource
from schemas.enums import Scope
from schemas.errors import InsufficientScope, TooManyRequests, Unavailable
from schemas.estimate_api import EstimateResource
from schemas.orders import GenerationRequest
from schemas.shares import NoPlace
from storage import details
from storage.outages import OUTAGES


class GatewayReelworks:
    """The operations for the caller of one request."""

    def __init__(self, services: GatewayServices, caller: Caller, places: ExitStack, turn: Turn) -> None:
        """Take the caller, the stack that ends once the answer is sent, and the turn that the call holds."""
        self._services = services
        self._caller = caller
        self._places = places
        self._turn = turn

    async def models(self) -> Sequence[Mapping[str, Any]]:
        """The models that the key can order, as JSON."""
        catalogue = self._services.intake.catalogue_of(self._caller.payer)
        return [card.model_dump(mode="json") for card in catalogue.models()]

    async def estimate(self, request: GenerationRequest) -> EstimateResource:
        """The price of an order, and the models that could make the same."""
        with _outages():
            found = await self._services.intake.estimate(request, self._caller.payer)
        return estimate_resource(found, request.number_of_outputs)

    async def order(self, request: GenerationRequest, idempotency_key: str | None) -> tuple[GenerationResource, bool]:
        """Order, and return the generation at once, and whether this call made it."""
        self._require(Scope.GENERATE)
        # A client that leaves meanwhile cancels the call. An order is taken as a whole, with its wake-up.
        with _outages(), CancelScope(shield=True):
            accepted = await self._services.intake.take(request, self._caller.payer, idempotency_key=idempotency_key)
        if accepted.is_new:
            found = details.of_new(accepted.generation)
            return generation_resource(found, self._services.settings.retention), True
        return await self.generation(accepted.generation.id), False

    async def generation(self, generation_id: UUID) -> GenerationResource:
        """A generation as it is now."""
        with _outages():
            return await resource_of(await find(generation_id, self._services, self._caller.customer), self._services)

    async def generations(self, cursor: str | None) -> tuple[Sequence[GenerationResource], str | None]:
        """One page of the customer's generations, newest first, and the cursor of the next page."""
        with _outages():
            page = await read_page(GenerationsQuery(cursor=cursor), self._services, self._caller.customer.id)
        return page.data, page.next_cursor

    async def follow(self, generation_id: UUID) -> AsyncGenerator[Sight, None]:
        """What happens to a generation of the customer, from its beginning to its end, or for the longest time."""
        services = self._services
        try:
            with services.stream_shares.taken_by(self._caller.customer.id):
                subscription = services.hub.follow(generation_id, after=0)
                # A key may be revoked meanwhile. The client's next request checks the key.
                ends = get_running_loop().call_later(services.settings.streams.longest_seconds, subscription.end, b"")
                try:
                    while messages := await self._next(subscription):
                        for line in messages.decode().splitlines():
                            if line.startswith("data:"):
                                yield Sight.of(line)
                finally:
                    ends.cancel()
                    services.hub.leave(subscription)
        except NoPlace as error:
            problem = TooManyRequests if error.is_own else Unavailable
            raise problem("too many requests wait at the same time: call get_generation in some seconds") from None

    async def _next(self, subscription: Subscription) -> bytes:
        """The next messages. The wait holds no turn."""
        self._turn.give_back()
        messages = await subscription.take()
        await self._turn.take()
        return messages

    async def cancel(self, generation_id: UUID) -> GenerationResource:
        """Cancel a generation, or ask its provider to stop."""
        self._require(Scope.GENERATE)
        steps = self._services.intake.steps
        with _outages():
            found = await to_thread.run_sync(
                partial(cancel, steps, generation_id, customer_id=self._caller.customer.id)
            )
        return generation_resource(found, self._services.settings.retention)

    async def file(self, generation_id: UUID, part: str) -> bytes:
        """The bytes of a stored file. A read of the result counts as a download."""
        services, customer = self._services, self._caller.customer
        with _outages():
            if (variant := variant_in(part)) is not None:
                asset = await to_thread.run_sync(media_of_variant, services, customer, generation_id, variant)
            else:
                asset = await to_thread.run_sync(asset_of, services, customer, generation_id, ROLES[part])
            self._take_place(asset.size_bytes)
            content = await to_thread.run_sync(services.objects.read_range, asset.object_key, 0, asset.size_bytes)
        if part == "content":
            services.downloads.note(generation_id)
        return content

    def _take_place(self, size: int) -> None:
        """Take a place for a file until the answer is sent: all of the file is in memory, several times.

        A live customer and the test customer share their places. Otherwise one customer could take all places.
        """
        shares = self._services.picture_shares if size <= MOST_INLINE_BYTES else self._services.file_shares
        try:
            self._places.enter_context(shares.taken_by(self._caller.live_id))
        except NoPlace as error:
            problem = TooManyRequests if error.is_own else Unavailable
            raise problem("too many files are read at the same time: read this one again in a second") from None

    def _require(self, scope: Scope) -> None:
        if scope not in self._caller.scopes:
            raise InsufficientScope(scope)


@contextmanager
def _outages() -> Generator[None]:
    """Tells an outage as the other doors do."""
    try:
        yield
    except OUTAGES:
        raise Unavailable("a service that we depend on does not answer: call the tool again") from None
