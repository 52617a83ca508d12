"""A retry or a continuation waits for no lock of its generation, which a change of limits may hold."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from providers.catalogue import Catalogue, CatalogueFile
from providers.registry import adapter_names
from schemas.inputs import NOTHING_KNOWN
from schemas.orders import GenerationRequest
from schemas.settings import Settings
from storage import continuations, retries
from storage.database import Database
from storage.objects import ObjectStore
from storage.sql import of
from tests.integration.gateway.finishing import complete
from tests.media_files.images import png
from tests.support import NewCustomer, a_generation

CATALOGUE = Catalogue(CatalogueFile.shipped(), adapter_names())
PREVIEW = GenerationRequest(model="kling-2.6-text-to-video", prompt="a boat", preview=True)


@pytest.mark.parametrize("accept", [continuations.accept, retries.accept])
def test_the_order_is_taken_beside_a_lock_and_only_once(
    accept: Callable[..., Any], database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    preview_id = a_generation(database, settings, customer, CATALOGUE.order(PREVIEW, NOTHING_KNOWN))
    complete(database, settings, objects, preview_id, png(64, 48))

    def ordered(_: int) -> UUID:
        with database.transaction() as session:
            session.execute(text("SET LOCAL lock_timeout = '10s'"))
            accepted = accept(of(session), customer.id, preview_id, CATALOGUE.order, settings.pipeline)
        found: UUID = accepted.generation.id
        return found

    with database.transaction() as beside, ThreadPoolExecutor(4) as pool:
        beside.execute(text("SELECT FROM generations WHERE id = :id FOR SHARE"), {"id": preview_id})
        assert len(set(pool.map(ordered, range(8)))) == 1
