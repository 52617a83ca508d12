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
from storage.objects import ObjectStore
from storage.sql import Sql

_DAY_SECONDS = 86_400


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

    def take(
        self, request: GenerationRequest, customer_id: UUID, *, idempotency_key: str | None = None
    ) -> AcceptedOrder:
        """Accept an order and hold its credits. The same request with the same key returns the same generation.

        Raises:
            InvalidRequest: the model cannot serve the order. Names each field and its accepted values.
            ModelRetired, ModelPaused: the model cannot be ordered. Names the successor.
            NotFound: the customer does not exist.
            InsufficientCredits: the customer has too few credits. Nothing is inserted.
            IdempotencyMismatch: the key belongs to another request.
        """
        request = self.with_uploads(request, customer_id)
        with self.database.statements() as statements:
            accepted = self.accept(statements, request, customer_id, idempotency_key)
        self.start(accepted)
        return accepted

    def with_uploads(self, request: GenerationRequest, customer_id: UUID) -> GenerationRequest:
        """Step 1: store the files in the request as uploads. Blocks until they are stored."""
        return data_uris.into_uploads(
            self.database,
            self.objects,
            customer_id,
            request,
            self.settings.inputs,
            keep_for=timedelta(days=self.settings.retention.upload_days),
        )

    def accept(
        self, sql: Sql, request: GenerationRequest, customer_id: UUID, idempotency_key: str | None
    ) -> AcceptedOrder:
        """Step 2, in one transaction: validate, price, insert, and hold the credits."""
        return acceptance.accept(
            sql,
            customer_id,
            request,
            self._order,
            self.settings.pipeline,
            idempotency_key=idempotency_key,
        )

    def _order(self, request: GenerationRequest, facts: Facts) -> Order:
        days = self.settings.retention.asset_days
        if request.expires_in is not None and days is not None and request.expires_in > days * _DAY_SECONDS:
            text = f"must be at most {round(days * _DAY_SECONDS)}: files are kept for {days:g} days here"
            raise InvalidRequest.of_fields([("expires_in", text)])
        return self.catalogue.order(request, facts)

    def start(self, accepted: AcceptedOrder) -> None:
        """Step 3, after the commit: send the wake-up of a new generation."""
        if accepted.is_new:
            generation = accepted.generation
            self.wake(Wake(generation.id, generation.stage, generation.attempt))


@dataclass(frozen=True)
class AsyncIntake:
    """Takes orders from doors that run in an event loop. Only an order that contains files needs a thread."""

    steps: Intake
    """The steps and their services. Its `wake` must return at once."""
    database: AsyncDatabase
    """The database, for the event loop."""

    async def take(
        self, request: GenerationRequest, customer_id: UUID, *, idempotency_key: str | None = None
    ) -> AcceptedOrder:
        """Accept an order, as `Intake.take` does."""
        if data_uris.are_in(request):
            request = await to_thread.run_sync(self.steps.with_uploads, request, customer_id)
        accepted = await self.database.statements(
            partial(self.steps.accept, request=request, customer_id=customer_id, idempotency_key=idempotency_key)
        )
        self.steps.start(accepted)
        return accepted
