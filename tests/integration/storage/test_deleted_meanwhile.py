"""An order of a customer who is deleted meanwhile is refused as that of no customer, whatever its idempotency key."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from providers.catalogue import Catalogue, CatalogueFile
from providers.registry import adapter_names
from schemas.batches import Part
from schemas.errors import NotFound
from schemas.inputs import NOTHING_KNOWN, Facts
from schemas.orders import GenerationRequest, Order
from schemas.settings import Settings
from storage import batches, continuations, retries
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of
from tests.integration.gateway.finishing import complete
from tests.media_files.images import png
from tests.support import NewCustomer, a_generation

CATALOGUE = Catalogue(CatalogueFile.shipped(), adapter_names())
PREVIEW = GenerationRequest(model="kling-2.6-text-to-video", prompt="a boat", preview=True)
PARTS = [Part(PREVIEW)]


@pytest.mark.parametrize("key", ["mine", None])
@pytest.mark.parametrize("accept", [batches.accept, continuations.accept, retries.accept])
def test_a_customer_who_is_deleted_meanwhile_is_not_found(
    accept: Callable[..., Any],
    key: str | None,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
) -> None:
    preview_id = a_generation(database, settings, customer, CATALOGUE.order(PREVIEW, NOTHING_KNOWN))
    complete(database, settings, objects, preview_id, png(64, 48))

    def deleted_before(request: GenerationRequest, facts: Facts) -> Order:
        with database.transaction() as beside:
            beside.execute(text("UPDATE customers SET deleted_at = now() WHERE id = :id"), {"id": customer.id})
        return CATALOGUE.order(request, facts)

    wanted = PARTS if accept is batches.accept else preview_id
    with pytest.raises(NotFound, match=f"no customer {customer.id}"), database.transaction() as session:
        accept(of(session), customer.id, wanted, deleted_before, settings.pipeline, idempotency_key=key)
