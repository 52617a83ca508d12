"""Takes an order, from the parsed request to the wake-up. The steps are the same for every door.

A door parses a request in its own protocol, calls `take`, and answers in its own protocol. `Intake` serves the doors in
threads, and `AsyncIntake` serves the doors in an event loop. Both run the same steps; only the waiting differs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from anyio import to_thread

from intake import data_uris
from providers.catalogue import Catalogue
from schemas.errors import InvalidRequest
from schemas.inputs import Facts
from schemas.orders import GenerationRequest, Order
from schemas.settings import Settings
from storage import acceptance
from storage.acceptance import AcceptedOrder
from storage.database import AsyncDatabase, Database
from storage.generations import Wake
from storage.ledger import Spender
from storage.objects import ObjectStore
from storage.sql import Sql

_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Payer:
    """Who orders, and who pays."""

    customer_id: UUID
    """The customer."""
    is_test: bool = False
    """Whether this is a test customer, whose orders go to the sandbox."""
    spender: Spender | None = None
    """The API key of the order. None: an order without a key."""


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
    wake: Callable[[Wake], object]
    """Sends a wake-up. Called after the commit."""
    announce: Callable[[UUID, UUID], object]
    """Announces that a generation of a customer changed. Called after the commit."""

    def take(self, request: GenerationRequest, payer: Payer, *, idempotency_key: str | None = None) -> AcceptedOrder:
        """Accept an order and hold its credits. The same request with the same key returns the same generation.

        Raises:
            InvalidRequest: the model cannot serve the order. Names each field and its accepted values.
            ModelRetired, ModelPaused: the model cannot be ordered. Names the successor.
            NotFound: the customer does not exist.
            StorageQuotaExceeded: the files in the request exceed the quota of the customer's uploads.
            TooManyRequests, Unavailable: too many slow videos are being measured.
            NoSandbox: a test customer orders where no sandbox is configured.
            InsufficientCredits: the customer has too few credits. Nothing is inserted.
            CapReached: the API key may not spend so much today. Nothing is inserted.
            IdempotencyMismatch: the key belongs to another request.
        """
        if data_uris.are_in(request):
            request = self.with_uploads(request, payer, idempotency_key)
        with self.database.statements() as statements:
            accepted = self.accept(statements, request, payer, idempotency_key)
        self.start(accepted)
        return accepted

    def with_uploads(self, request: GenerationRequest, payer: Payer, idempotency_key: str | None) -> GenerationRequest:
        """Step 1, for a request with files: check the price, and store the files as uploads. Blocks meanwhile."""
        with self.database.statement() as sql:
            acceptance.require_credits(
                sql,
                payer.customer_id,
                request,
                self._catalogue_of(payer).least_price,
                idempotency_key=idempotency_key,
            )
        return data_uris.into_uploads(
            self.database,
            self.objects,
            payer.customer_id,
            request,
            self.settings.inputs,
            keep_for=timedelta(days=self.settings.retention.upload_days),
        )

    def accept(self, sql: Sql, request: GenerationRequest, payer: Payer, idempotency_key: str | None) -> AcceptedOrder:
        """Step 2, in one transaction: validate, price, insert, and hold the credits."""
        return acceptance.accept(
            sql,
            payer.customer_id,
            request,
            partial(self._order, self._catalogue_of(payer)),
            self.settings.pipeline,
            spender=payer.spender,
            idempotency_key=idempotency_key,
        )

    def _catalogue_of(self, payer: Payer) -> Catalogue:
        return self.catalogue.for_test_customers if payer.is_test else self.catalogue

    def _order(self, catalogue: Catalogue, request: GenerationRequest, facts: Facts) -> Order:
        days = self.settings.retention.asset_days
        if request.expires_in is not None and days is not None and request.expires_in > days * _DAY_SECONDS:
            text = f"must be at most {round(days * _DAY_SECONDS)}: files are kept for {days:g} days here"
            raise InvalidRequest.of_fields([("expires_in", text)])
        return catalogue.order(request, facts)

    def start(self, accepted: AcceptedOrder) -> None:
        """Step 3, after the commit: send the wake-up of a new generation, and announce it."""
        if accepted.is_new:
            generation = accepted.generation
            self.wake(Wake(generation.id, generation.stage, generation.attempt))
            self.announce(generation.id, generation.customer_id)


@dataclass(frozen=True)
class AsyncIntake:
    """Takes orders from doors that run in an event loop. Only an order that contains files needs a thread."""

    steps: Intake
    """The steps and their services. Its `wake` must return at once."""
    database: AsyncDatabase
    """The database, for the event loop."""

    async def take(
        self, request: GenerationRequest, payer: Payer, *, idempotency_key: str | None = None
    ) -> AcceptedOrder:
        """Accept an order, as `Intake.take` does."""
        if data_uris.are_in(request):
            request = await to_thread.run_sync(self.steps.with_uploads, request, payer, idempotency_key)
        accepted = await self.database.statements(
            partial(self.steps.accept, request=request, payer=payer, idempotency_key=idempotency_key)
        )
        self.steps.start(accepted)
        return accepted
