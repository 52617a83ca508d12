"""Customers take turns, and a worker makes what is due with few wake-ups."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from redis import Redis
from sqlalchemy import text

from metrics.families import VARIANTS_DUE, VARIANTS_DUE_SECONDS
from schemas.enums import Queue
from schemas.settings import Settings
from schemas.variants import VariantError, VariantState
from stack.wiring import settings_environment
from storage import figures
from storage.database import Database
from storage.objects import ObjectStore
from storage.variants import claims
from tasks import variants
from tasks.services import WorkerServices
from tasks.wake import wake
from tests.integration.tasks.variants.works import Finished, Work, clip
from workers.roles import variants_problem


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


def test_a_variant_that_no_worker_takes_fails_in_the_end(
    finished: Finished, worker: WorkerServices, mp4: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = finished(mp4, "web")
    with work.life.database.statement() as sql:
        sql.run("UPDATE variants SET wake_at = now() - interval '7 h' WHERE generation_id = %(id)s", id=work.life.id)
        shown = figures.read(sql, has_stream=False)
    assert shown[VARIANTS_DUE] == {(): 1.0}
    assert 7 * 3600 <= shown[VARIANTS_DUE_SECONDS][()] < 8 * 3600
    monkeypatch.setattr("tasks.wake._started_at", time.monotonic())
    wake(worker)
    assert work.rows["web"].state is VariantState.PENDING, "the workers of a system that has just started take it"
    monkeypatch.setattr("tasks.wake._SETTLES_FOR_SECONDS", 0)
    wake(worker)
    row = work.rows["web"]
    assert (row.state, row.error_code) == (VariantState.FAILED, VariantError.UNAVAILABLE)
    assert work.make()["web"].state is VariantState.FAILED
    with Redis.from_url(worker.settings.redis_url) as redis:
        redis.delete(Queue.VARIANTS)


@pytest.mark.parametrize(
    ("at_once", "threads", "is_refused"), [(1, 1, False), (1, 3, False), (2, 3, False), (3, 3, True), (9, 3, True)]
)
def test_variants_leave_a_thread_for_results(at_once: int, threads: int, is_refused: bool) -> None:
    problem = variants_problem(at_once, threads)
    assert (problem is not None) is is_refused
    if problem:
        assert f"AT_ONCE is {at_once}" in problem
        assert "At most 2" in problem


def test_a_media_worker_refuses_too_many_places_for_variants(settings: Settings) -> None:
    environment = {**os.environ, **settings_environment(settings), "REELWORKS_VARIANTS__AT_ONCE": "3"}
    command = [sys.executable, "-m", "workers", "--role", "media"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "no result would be stored" in ended.stderr
