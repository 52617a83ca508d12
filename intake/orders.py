"""Takes an order, from the parsed request to the wake-up. The steps are the same for every door.

A door parses a request in its own protocol, calls `take`, and answers in its own protocol. `Intake` serves the doors in
threads, and `AsyncIntake` serves the doors in an event loop. Both run the same steps; only the waiting differs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog
from anyio import CapacityLimiter, to_thread

from admission.queues import Queues
from intake import data_uris
from intake.data_uris import Uploader
from intake.digests import Digest, Repeats, repeats
from intake.estimates import Estimate
from intake.turns import in_turn, is_scheduled
from metrics.families import ORDERS
from providers.catalogue import Catalogue
from providers.http.endpoint_urls import refusal_of
from schemas.batches import Part, parts_of
from schemas.enums import CancelRule
from schemas.errors import InvalidRequest, RequestError
from schemas.inputs import NOTHING_KNOWN, Facts
from schemas.orders import GenerationRequest, Order
from schemas.reordering import FIRST_FRAME, video_request_of
from schemas.settings import Settings
from schemas.tables import Generation
from storage import acceptance, batches, continuations, retries
from storage.acceptance import AcceptedOrder
from storage.batches import AcceptedBatch, EarlierOrder
from storage.database import AsyncDatabase, Database
from storage.estimates import usual_times
from storage.generations import Wake
from storage.ledger import Spender
from storage.objects import ObjectStore
from storage.sql import Sql

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_DAY_SECONDS = 86_400
# A gateway has five connections for its threads.
_BATCHES_AT_ONCE = 3


@dataclass(frozen=True)
class Payer:
    """Who orders, and who pays."""

    customer_id: UUID
    """The customer."""
    is_test: bool = False
    """Whether this is a test customer, whose orders go to the sandbox."""
    spender: Spender | None = None
    """The API key of the order. None: an order without a key."""
    may_use_reserve: bool = False
    """Whether orders of high priority may use the places that the operator reserves at providers."""


@dataclass(frozen=True)
class Intake:
    """Takes orders from doors that run in a thread."""

    settings: Settings
    """The settings of the process."""
    database: Database
    """The database."""
    objects: ObjectStore
    """The object store, for the files in requests."""
    catalogue: Catalogue
    """Validates and prices an order."""
    wake: Callable[..., object]
    """Sends the wake-ups that it takes as arguments. Called after the commit."""
    announce: Callable[[UUID, UUID], object]
    """Announces that a generation of a customer changed. Called after the commit."""
    queues: Queues = field(default_factory=Queues)
    """Tells where generations stand before their providers."""

    def take(
        self,
        request: GenerationRequest,
        payer: Payer,
        *,
        idempotency_key: str | None = None,
        request_hash: str | None = None,
        digest: Digest | None = None,
    ) -> AcceptedOrder:
        """Accept an order and hold its credits. The same request with the same key returns the same generation.

        Args:
            request_hash: the hash of the request as the door received it, for a door that changes a request by models
                and files: with them, the order of the same request may change. None: the hash of `request`.
            digest: the digest of an order whose client sends it again without a key. None: where the operator has set
                a window for all orders, an order without a key gets a digest here.

        Raises:
            InvalidRequest: the model cannot serve the order. Names each field and its accepted values.
            ModelRetired, ModelPaused: the model cannot be ordered. Names the successor.
            NotFound: the customer does not exist.
            StorageQuotaExceeded: the files in the request exceed the quota of the customer's uploads.
            TooManyRequests, Unavailable: too many slow videos are being measured.
            NoSandbox: a test customer orders where no sandbox is configured.
            InsufficientCredits: the customer has too few credits. Nothing is inserted.
            CapReached: the API key may not spend so much today. Nothing is inserted.
            QuotaReached: a limit of the customer or of the API key has no room. Nothing is inserted.
            IdempotencyMismatch: the key belongs to another request.
        """
        same = self.repeats([request], payer, idempotency_key, digest, request_hash)
        if data_uris.are_in(request):
            (part,) = self.with_uploads([Part(request)], payer, same)
            request = part.request
        with self.database.statements() as statements:
            accepted = self.accept(statements, request, payer, same)
        self.start(accepted)
        return accepted

    def take_batch(
        self,
        parts: Sequence[Part],
        payer: Payer,
        *,
        idempotency_key: str | None = None,
        request_hash: str | None = None,
        digest: Digest | None = None,
    ) -> AcceptedBatch:
        """Accept all parts of a batch and hold their credits, or accept none. Blocks meanwhile.

        Raises:
            RequestError: as `take`. Names the places of the wrong requests.
        """
        requests = [part.request for part in parts]
        same = self.repeats(requests, payer, idempotency_key, digest, request_hash, operation="batch")
        if any(data_uris.are_in(part.request) for part in parts):
            parts = self.with_uploads(parts, payer, same)
        with self.database.statements() as statements:
            accepted = batches.accept(
                statements,
                payer.customer_id,
                parts,
                self.order_maker(payer),
                self.settings.pipeline,
                spender=payer.spender,
                idempotency_key=same.key,
                request_hash=same.request_hash,
                equal_orders=same.equal_orders,
            )
        self._start_all(accepted.generations)
        return accepted

    def estimate(self, request: GenerationRequest, payer: Payer) -> Estimate:
        """The order that a request would make now, by the steps of `take`. Nothing is stored or held. Blocks meanwhile.

        Raises:
            RequestError: as `take`, but for credits. Files in the request are not read.
        """
        one = parts_of(request)[0].request
        with self.database.statements() as statements:
            facts = acceptance.facts_about(statements, payer.customer_id, one.input_files())
            order = self.order_maker(payer)(one, facts)
            video = self._video_of(payer, order)
            able = self.catalogue_of(payer).able(one, order.kind, facts) if video is None else [order]
            every = [order, *able, *([] if video is None else [video])]
            times = usual_times(statements, [each.model for each in every], is_test=payer.is_test)
        # The transaction has locked the uploads of the order. These reads can take long, and need no lock.
        with self.database.statement() as statement:
            waits = self.queues.waits(statement, payer.customer_id, every)
        return Estimate(order, able, times, waits, video)

    def _video_of(self, payer: Payer, preview: Order) -> Order | None:
        """The order of the video that would be made from a preview. None: the order is no preview."""
        if preview.preview_of is None:
            return None
        return self.order_maker(payer)(video_request_of(preview, preview.preview_of, FIRST_FRAME), NOTHING_KNOWN)

    def continue_preview(self, preview_id: UUID, payer: Payer, *, idempotency_key: str | None = None) -> AcceptedOrder:
        """Order the video of a customer's preview, as `continuations.accept` does."""
        with self.database.statements() as statements:
            accepted = self.accept_video(statements, preview_id, payer, idempotency_key)
        self.start(accepted)
        return accepted

    def accept_video(self, sql: Sql, preview_id: UUID, payer: Payer, idempotency_key: str | None) -> AcceptedOrder:
        """Accept the video of a preview, in one transaction."""
        return continuations.accept(
            sql,
            payer.customer_id,
            preview_id,
            self.order_maker(payer),
            self.settings.pipeline,
            spender=payer.spender,
            idempotency_key=idempotency_key,
        )

    def repeats(
        self,
        requests: Sequence[GenerationRequest],
        payer: Payer,
        key: str | None,
        digest: Digest | None,
        request_hash: str | None = None,
        *,
        operation: str = "order",
    ) -> Repeats:
        """Step 0: the earlier orders that are the same order."""
        return repeats(
            key, digest, requests, payer.customer_id, payer.spender, self.settings.intake,
            request_hash=request_hash, operation=operation,
        )  # fmt: skip

    def with_uploads(self, parts: Sequence[Part], payer: Payer, same: Repeats) -> Sequence[Part]:
        """Step 1, for requests with files: check the price, and store the files as uploads. Blocks meanwhile."""
        least_price = self.catalogue_of(payer).least_price
        with self.database.statement() as sql:
            acceptance.require_credits(
                sql,
                payer.customer_id,
                lambda: sum(least_price(part.request) for part in parts),
                idempotency_key=same.key,
                equal_orders=same.equal_orders,
            )
        keep_for = timedelta(days=self.settings.retention.upload_days)
        uploader = Uploader(self.database, self.objects, payer.customer_id, self.settings.inputs, keep_for)
        return [replace(part, request=_with_uploads(part, uploader)) for part in parts]

    def accept(self, sql: Sql, request: GenerationRequest, payer: Payer, same: Repeats) -> AcceptedOrder:
        """Step 2, in one transaction: validate, price, insert, and hold the credits."""
        return acceptance.accept(
            sql,
            payer.customer_id,
            request,
            self.order_maker(payer),
            self.settings.pipeline,
            spender=payer.spender,
            idempotency_key=same.key,
            request_hash=same.request_hash,
            equal_orders=same.equal_orders,
        )

    def order_maker(self, payer: Payer) -> Callable[[GenerationRequest, Facts], Order]:
        """The function that completes and prices a customer's requests: for orders, batches, retries and estimates."""
        return partial(self._order, payer)

    def catalogue_of(self, payer: Payer) -> Catalogue:
        """The models that a customer can order."""
        return self.catalogue.for_test_customers if payer.is_test else self.catalogue

    def cancel_rule(self, order: Order, index: int) -> CancelRule:
        """The price of cancelling an order, given the index of its present route."""
        return self.catalogue.cancel_rule(order.model, order.routes[index])

    def _order(self, payer: Payer, request: GenerationRequest, facts: Facts) -> Order:
        days = self.settings.retention.asset_days
        if request.expires_in is not None and days is not None and request.expires_in > days * _DAY_SECONDS:
            text = f"must be at most {round(days * _DAY_SECONDS)}: files are kept for {days:g} days here"
            raise InvalidRequest.of_fields([("expires_in", text)])
        if request.callback_url and (refusal := refusal_of(request.callback_url, self.settings.webhooks)):
            raise InvalidRequest.of_fields([("callback_url", refusal)])
        order = self.catalogue_of(payer).order(request, facts)
        key_id = None if payer.spender is None else payer.spender.used_id
        return in_turn(order, key_id=key_id, may_use_reserve=payer.may_use_reserve)

    def start(self, accepted: AcceptedOrder) -> None:
        """Step 3, after the commit: send the wake-up of a new generation, and announce it."""
        if accepted.is_new:
            self._start_all([accepted.generation])

    def _start_all(self, accepted: Sequence[Generation]) -> None:
        # The waker wakes a generation whose start is scheduled.
        if due := [each for each in accepted if not is_scheduled(each)]:
            self.wake(*(Wake(each.id, each.stage, each.attempt) for each in due))
        for each in accepted:
            log.info("generation_accepted", generation_id=str(each.id), customer_id=str(each.customer_id))
            ORDERS.add(each.kind)
            self.announce(each.id, each.customer_id)


def _with_uploads(part: Part, uploader: Uploader) -> GenerationRequest:
    try:
        return uploader.into_uploads(part.request)
    except RequestError as error:
        raise error.within(part.place) from None


@dataclass(frozen=True)
class AsyncIntake:
    """Takes orders from doors that run in an event loop. Only an order that contains files needs a thread."""

    steps: Intake
    """The steps and their services. Its `wake` must return at once."""
    database: AsyncDatabase
    """The database, for the event loop."""
    batch_threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_BATCHES_AT_ONCE))
    """Limits the batches at one time. Further ones wait, and take no thread and no connection meanwhile."""

    async def earlier(
        self, payer: Payer, *, request_hash: str, idempotency_key: str | None, digest: Digest | None = None
    ) -> EarlierOrder | None:
        """The order that the same request has made. A door that reads files and models asks for the order before.

        A paid order stays valid although its model is paused, its inputs are deleted, or its price has changed.

        Args:
            request_hash: the hash of the request as received. The door gives the same hash to `take`.

        Raises:
            IdempotencyMismatch: the key belongs to another request.
            GenerationDeleted: the customer has deleted the generation.
        """
        same = self.steps.repeats([], payer, idempotency_key, digest, request_hash)
        # A first attempt has no earlier order, unless its retry has overtaken it: `take` sees that under its lock.
        if same.key is None and (same.equal_orders is None or not same.equal_orders.within_seconds):
            return None
        identity = acceptance.Identity(payer.customer_id, same.key, request_hash, same.equal_orders)
        return await self.database.statements(partial(batches.find_earlier, identity=identity))

    async def take(
        self,
        request: GenerationRequest,
        payer: Payer,
        *,
        idempotency_key: str | None = None,
        request_hash: str | None = None,
        digest: Digest | None = None,
    ) -> AcceptedOrder:
        """Accept an order, as `Intake.take` does."""
        same = self.steps.repeats([request], payer, idempotency_key, digest, request_hash)
        if data_uris.are_in(request):
            (part,) = await to_thread.run_sync(self.steps.with_uploads, [Part(request)], payer, same)
            request = part.request
        accepted = await self.database.statements(partial(self.steps.accept, request=request, payer=payer, same=same))
        self.steps.start(accepted)
        return accepted

    def catalogue_of(self, payer: Payer) -> Catalogue:
        """The models that a customer can order."""
        return self.steps.catalogue_of(payer)

    async def facts_about(self, request: GenerationRequest, payer: Payer) -> Facts:
        """What is known of the files of a request: for a door that chooses a model by them."""
        files = request.input_files()
        if not files:
            return {}
        read = partial(acceptance.facts_about, customer_id=payer.customer_id, files=files)
        return await self.database.statements(read)

    async def retry(self, generation_id: UUID, payer: Payer, *, idempotency_key: str | None = None) -> AcceptedOrder:
        """Order a customer's generation once more, as `retries.accept` does."""
        accepted = await self.database.statements(
            partial(
                retries.accept,
                customer_id=payer.customer_id,
                generation_id=generation_id,
                make_order=self.steps.order_maker(payer),
                pipeline=self.steps.settings.pipeline,
                spender=payer.spender,
                idempotency_key=idempotency_key,
            )
        )
        self.steps.start(accepted)
        return accepted

    async def continue_preview(
        self, preview_id: UUID, payer: Payer, *, idempotency_key: str | None = None
    ) -> AcceptedOrder:
        """Order the video of a customer's preview, as `Intake.continue_preview` does."""
        accept = partial(self.steps.accept_video, preview_id=preview_id, payer=payer, idempotency_key=idempotency_key)
        accepted = await self.database.statements(accept)
        self.steps.start(accepted)
        return accepted

    async def estimate(self, request: GenerationRequest, payer: Payer) -> Estimate:
        """Estimate an order, as `Intake.estimate` does, in a thread."""
        return await to_thread.run_sync(self.steps.estimate, request, payer)

    async def take_batch(
        self,
        parts: Sequence[Part],
        payer: Payer,
        *,
        idempotency_key: str | None = None,
        request_hash: str | None = None,
        digest: Digest | None = None,
    ) -> AcceptedBatch:
        """Accept a batch, as `Intake.take_batch` does, in a thread: to check a hundred requests takes too long here."""
        take = partial(self.steps.take_batch, idempotency_key=idempotency_key, request_hash=request_hash, digest=digest)
        return await to_thread.run_sync(take, parts, payer, limiter=self.batch_threads)
