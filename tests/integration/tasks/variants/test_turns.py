"""Customers take turns, and a worker makes what is due with few wake-ups."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from redis import Redis
from sqlalchemy import text

from schemas.enums import Queue
from schemas.variants import VariantState
from storage.database import Database
from storage.objects import ObjectStore
from storage.variants import claims
from tasks import variants
from tasks.services import WorkerServices
from tasks.wake import wake
from tests.integration.tasks.variants.works import Finished, Work, clip


@pytest.fixture(scope="module")
def mp4() -> bytes:
    """A result."""
    return clip("libx264", "mp4", seconds=0.5, options={"preset": "ultrafast"})


def repeated(work: Work, count: int) -> None:
    """Copies of the only variant, as other results of the same customer would have them."""
    with work.life.database.statement() as sql:
        sql.run(
            "INSERT INTO variants (generation_id, customer_id, position, name, kind, spec, wake_at) "
            "SELECT generation_id, customer_id, number, 'copy-' || number, kind, spec, wake_at "
            "FROM variants, generate_series(2, %(count)s) AS number WHERE generation_id = %(id)s",
            id=work.life.id, count=count,
        )  # fmt: skip


def served(database: Database) -> list[UUID]:
    """The customers of the claimed variants, in the order of the claims."""
    with database.transaction() as session:
        query = text("SELECT customer_id FROM variants WHERE claimed_at IS NOT NULL ORDER BY claimed_at")
        return list(session.execute(query).scalars())


def test_a_customer_with_many_variants_delays_another_by_one(
    finished: Finished, worker: WorkerServices, mp4: bytes
) -> None:
    many = finished(mp4, {"name": "small", "width": 64})
    repeated(many, 50)
    one = finished(mp4, {"name": "small", "width": 64})
    a, b = many.life.customer.id, one.life.customer.id
    variants.run(worker)
    assert served(worker.database) == [a, b, *[a] * 49]
    assert one.rows["small"].state is VariantState.READY


def test_two_workers_that_claim_at_once_get_two_variants(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web", "sprites")
    database = work.life.database
    with database.statements() as one, database.statements() as other:
        found = [claims.claim(sql, lease_seconds=60) for sql in (one, other, other)]
    assert found[2] is None
    assert {claimed.row.name for claimed in found if claimed} == {"web", "sprites"}
    with database.statement() as sql:
        assert claims.claim(sql, lease_seconds=60) is None, "both are claimed"


def test_a_backlog_needs_few_wake_ups(finished: Finished, worker: WorkerServices, mp4: bytes) -> None:
    work = finished(mp4, "web")
    repeated(work, 50)
    with Redis.from_url(worker.settings.redis_url) as redis:
        redis.delete(Queue.VARIANTS)
        for _ in range(3):
            wake(worker)
        assert redis.llen(Queue.VARIANTS) == claims.MOST_WAKES
        redis.delete(Queue.VARIANTS)


def test_a_wake_up_without_a_place_writes_nothing(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web")
    before = work.rows["web"]
    with work.life.worker.variant_places.taken_by(None):
        variants.run(work.life.worker)
    assert work.rows["web"] == before


def test_a_process_that_is_drained_finishes_its_variant_and_claims_no_more(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web", "sprites")
    worker, seen = work.life.worker, []

    class Drained(ObjectStore):
        """An operator drains the process while the variant is stored."""

        def put(self, key: str, body: Any, *, size_bytes: int | None, content_type: str) -> None:
            worker.taking.close()
            seen.append(worker.taking.is_closed)
            super().put(key, body, size_bytes=size_bytes, content_type=content_type)

    try:
        variants.run(replace(worker, objects=Drained(worker.settings.s3)))
    finally:
        worker.taking.open()
    assert seen == [True], "the drain does not wait for the variant"
    assert sorted(row.state for row in work.rows.values()) == [VariantState.PENDING, VariantState.READY]
