"""A retry or a continuation waits for no lock of its generation, which a change of limits may hold."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import Session

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
from tests.support import NewCustomer, a_generation, sessions_that_wait

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
            session.execute(text("SET LOCAL lock_timeout = '60s'"))
            accepted = accept(of(session), customer.id, preview_id, CATALOGUE.order, settings.pipeline)
        found: UUID = accepted.generation.id
        return found

    with database.transaction() as beside, ThreadPoolExecutor(4) as pool:
        beside.execute(text("SELECT FROM generations WHERE id = :id FOR SHARE"), {"id": preview_id})
        assert len(set(pool.map(ordered, range(8)))) == 1


@pytest.mark.parametrize("orders", [continuations, retries])
def test_an_order_of_the_release_before_is_found(
    orders: ModuleType,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    customer: NewCustomer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    preview_id = a_generation(database, settings, customer, CATALOGUE.order(PREVIEW, NOTHING_KNOWN))
    complete(database, settings, objects, preview_id, png(64, 48))

    def ordered(session: Session) -> UUID:
        session.execute(text("SET LOCAL lock_timeout = '60s'"))
        accepted = orders.accept(of(session), customer.id, preview_id, CATALOGUE.order, settings.pipeline)
        found: UUID = accepted.generation.id
        return found

    def ordered_now() -> UUID:
        with database.transaction() as session:
            return ordered(session)

    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as before, monkeypatch.context() as patch:
            # The release before locks the row, and asks for no name.
            before.execute(text("SELECT FROM generations WHERE id = :id FOR NO KEY UPDATE"), {"id": preview_id})
            patch.setattr(orders, "alone", lambda _sql, _name: None)
            first = ordered(before)
            patch.undo()
            second = pool.submit(ordered_now)
            while not second.done() and not sessions_that_wait(database):
                time.sleep(0.01)
        assert second.result() == first
