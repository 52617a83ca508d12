"""What goes wrong while variants are made: the result stays as it is, and no file is left behind."""

import os
import re
import signal
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis
from sqlalchemy import text
from structlog.testing import capture_logs

from media import decoder
from schemas.enums import Queue, Stage, SweepKind
from schemas.setting_groups import RetentionSettings
from schemas.variants import VariantError, VariantOrigin, VariantState
from storage import deletion, erasure, sweeps, usage
from storage.audit import audit
from storage.leases import LeaseKeeper
from storage.objects import ObjectStore
from storage.variants import claims
from tasks import variants
from tasks.services import WorkerServices
from tasks.wake import wake
from tests.integration.tasks.variants.works import Finished, Work, clip

pytestmark = pytest.mark.slow

_X264 = {"preset": "ultrafast"}
_SQUARE = {"name": "square", "width": 96, "height": 96, "fit": "cover"}
AT_ONCE = RetentionSettings().model_copy(update={"orphan_hours": -1})


@pytest.fixture(scope="module")
def mp4() -> bytes:
    """A result whose web variant is another file."""
    return clip("libx264", "mp4", options=_X264)


def limited(work: Work, **changes: object) -> None:
    """Give the worker other limits of variants."""
    settings = work.life.worker.settings
    limits = settings.variants.model_copy(update=changes)
    work.life.worker = replace(work.life.worker, settings=settings.model_copy(update={"variants": limits}))


def is_paid_once(work: Work) -> bool:
    """Whether the result is stored, and was charged once."""
    life = work.life
    with life.database.transaction() as session:
        captures = session.execute(
            text("SELECT count(*) FROM ledger_transfers WHERE generation_id = :id AND kind = 'capture'"),
            {"id": life.id},
        ).scalar_one()
    result = life.assets[0]
    stored = life.worker.objects.stat(result.object_key)
    return life.row.stage is Stage.COMPLETED and captures == 1 and stored is not None


def due(work: Work) -> None:
    """Let the pauses and the leases of the variants end."""
    with work.life.database.transaction() as session:
        session.execute(
            text(
                "UPDATE variants SET wake_at = clock_timestamp(), lease_until = clock_timestamp() - interval '1 s' "
                "WHERE generation_id = :id AND state = 'pending'"
            ),
            {"id": work.life.id},
        )


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"memory_bytes": 8 * 1024**2}, "memory"),
        ({"max_bytes": 2000}, "larger than"),
        # On a busy machine, the clock may end it first.
        ({"seconds": 1, "threads": 1}, "more than 1 s|longer than 6 s"),
    ],
    ids=["memory", "size", "time"],
)
def test_a_variant_that_needs_too_much_fails_alone(finished: Finished, limits: dict[str, object], words: str) -> None:
    work = finished(clip("mpeg4", "mp4", size=(1920, 1080), seconds=4), "web")
    limited(work, **limits)
    row = work.make()["web"]
    assert (row.state, row.error_code) == (VariantState.FAILED, VariantError.TOO_LARGE), row.error_message
    assert re.search(words, row.error_message or "")
    assert is_paid_once(work)


def test_a_decoder_that_crashes_every_time_fails_the_variant_and_nothing_else(
    finished: Finished, mp4: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = finished(mp4, "web")
    limited(work, tries=3)

    def crash(_job: object, _offset: int, _length: int) -> None:
        # The process of the job dies while it decodes, as a broken decoder's does.
        for child in psutil.Process(decoder._SERVER.process_id).children():
            child.kill()

    monkeypatch.setattr(decoder._Job, "_send_block", crash)
    for _ in range(3):
        due(work)
        row = work.make()["web"]
    assert (row.state, row.error_code, row.failures) == (VariantState.FAILED, VariantError.INTERNAL, 2)
    assert "crashed" in (row.error_message or "")
    assert is_paid_once(work)
    assert work.objects() == []


def test_a_variant_that_uses_its_processor_time_up_fails_at_the_first_try(
    finished: Finished, mp4: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = finished(mp4, "web")

    def end(_job: object, _offset: int, _length: int) -> None:
        # The kernel sends this signal at the limit.
        for child in psutil.Process(decoder._SERVER.process_id).children():
            child.send_signal(signal.SIGXCPU)

    monkeypatch.setattr(decoder._Job, "_send_block", end)
    row = work.make()["web"]
    assert (row.state, row.error_code, row.attempt) == (VariantState.FAILED, VariantError.TOO_LARGE, 1)
    assert "processor time" in (row.error_message or "")


def test_a_worker_that_dies_every_time_fails_the_variant(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web")
    for _ in range(work.life.settings.variants.crashes):
        with work.life.database.statement() as sql:
            assert claims.claim(sql, lease_seconds=60) is not None
        due(work)
    row = work.make()["web"]
    assert (row.state, row.error_code) == (VariantState.FAILED, VariantError.INTERNAL)
    assert "died 8 times" in (row.error_message or "")
    assert is_paid_once(work)


def test_a_variant_of_a_dead_worker_is_made_by_another(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web")
    with work.life.database.statement() as sql:
        claims.claim(sql, lease_seconds=60)
    due(work)
    row = work.make()["web"]
    assert (row.state, row.origin, row.crashes) == (VariantState.READY, VariantOrigin.COPIED, 1)
    assert len(work.objects()) == 1


class Away(ObjectStore):
    """A store that does not take files."""

    def put(self, key: str, body: object, *, size_bytes: int | None, content_type: str) -> None:
        """Fail as a lost connection does."""
        raise ConnectionError("the store is away")


def test_a_store_that_is_away_delays_a_variant(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web")
    worker = work.life.worker
    work.life.worker = replace(worker, objects=Away(worker.settings.s3))
    row = work.make()["web"]
    assert (row.state, row.failures) == (VariantState.PENDING, 1)
    work.life.worker = worker
    due(work)
    assert work.make()["web"].state is VariantState.READY


def test_a_store_that_stays_away_fails_the_variant_in_the_end(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web")
    worker = work.life.worker
    work.life.worker = replace(worker, objects=Away(worker.settings.s3))
    with work.life.database.transaction() as session:
        session.execute(
            text("UPDATE variants SET created_at = created_at - interval '7 h' WHERE generation_id = :id"),
            {"id": work.life.id},
        )
    row = work.make()["web"]
    assert (row.state, row.error_code) == (VariantState.FAILED, VariantError.UNAVAILABLE)
    assert is_paid_once(work)


def test_a_full_disk_delays_a_variant(finished: Finished, mp4: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    work = finished(mp4, "web")
    # Every write to this device fails as on a full disk.
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("r+b", buffering=0))  # noqa: SIM115
    monkeypatch.setattr(os, "ftruncate", lambda *_: None)
    row = work.make()["web"]
    assert (row.state, row.failures) == (VariantState.PENDING, 1)
    assert is_paid_once(work)


def test_an_emptied_redis_loses_no_variant(finished: Finished, worker: WorkerServices, mp4: bytes) -> None:
    work = finished(mp4, "web")
    due(work)
    wake(worker)
    with Redis.from_url(worker.settings.redis_url) as redis:
        assert redis.llen(Queue.VARIANTS) == 1
        redis.delete(Queue.VARIANTS)
        for _ in range(3):
            wake(worker)
        assert redis.llen(Queue.VARIANTS) == 1
        redis.delete(Queue.VARIANTS)
    assert work.make()["web"].state is VariantState.READY


def test_a_second_copy_of_a_message_makes_nothing(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web")
    for _ in range(2):
        variants.run(work.life.worker)
    assert work.rows["web"].attempt == 1
    assert len(work.objects()) == 1


def test_a_process_without_a_place_leaves_the_variant_to_later(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web")
    with work.life.worker.variant_places.taken_by(None):
        variants.run(work.life.worker)
    after = work.rows["web"]
    assert (after.state, after.attempt) == (VariantState.PENDING, 0)
    assert work.make()["web"].state is VariantState.READY


def test_deletion_removes_every_file_and_row(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web", "sprites", _SQUARE)
    work.make()
    assert len(work.objects()) == 4
    deletion.delete(work.life.database, work.life.worker.objects, work.life.id, customer_id=work.life.customer.id)
    assert (work.objects(), work.files, work.rows) == ([], [], {})
    assert audit(work.life.database, work.life.worker.objects).breaches == []


def test_deletion_of_the_customer_removes_every_file(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web", "sprites")
    work.make()
    erasure.delete_customer(work.life.database, work.life.worker.objects, work.life.customer.id)
    assert (work.objects(), work.files, work.rows) == ([], [], {})


def test_a_generation_that_is_deleted_while_its_variant_is_made_leaves_nothing(
    finished: Finished, mp4: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = finished(mp4, "web")
    delete = deleting(work, monkeypatch)
    with capture_logs() as lines:
        variants.run(delete)
    assert "variant_claim_lost" in [line["event"] for line in lines] or work.rows == {}
    assert (work.objects(), work.rows) == ([], {})


def deleting(work: Work, monkeypatch: pytest.MonkeyPatch) -> WorkerServices:
    """A worker beside which the customer deletes the generation, just after the file is stored."""
    life = work.life

    class Deleted(ObjectStore):
        def put(self, key: str, body: Any, *, size_bytes: int | None, content_type: str) -> None:
            super().put(key, body, size_bytes=size_bytes, content_type=content_type)
            deletion.delete(life.database, life.worker.objects, life.id, customer_id=life.customer.id)

    return replace(life.worker, objects=Deleted(life.worker.settings.s3))


def test_files_of_variants_expire_with_their_result(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web", "preview")
    work.make()
    assert len(work.objects()) == 2
    with work.life.database.transaction() as session:
        session.execute(
            text("UPDATE assets SET expires_at = now() - interval '1 s' WHERE generation_id = :id"),
            {"id": work.life.id},
        )
    list(sweeps.sweep(work.life.database, work.life.worker.objects, RetentionSettings(), kinds=[SweepKind.ASSETS]))
    assert (work.objects(), work.files) == ([], [])
    assert audit(work.life.database, work.life.worker.objects).breaches == []


def test_files_whose_result_an_older_release_deleted_are_orphans(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web")
    work.make()
    sweep(work)
    assert len(work.objects()) == 1, "a file of a kept result is no orphan"
    assert stored(work) > 0
    with work.life.database.transaction() as session:
        session.execute(text("UPDATE assets SET expired_at = now() WHERE generation_id = :id"), {"id": work.life.id})
    for asset in work.life.assets:
        work.life.worker.objects.forget(asset.object_key)
    sweep(work)
    assert work.objects() == []
    assert stored(work) == 0
    assert audit(work.life.database, work.life.worker.objects).breaches == []


def stored(work: Work) -> int:
    """The bytes of variants in the customer's use."""
    today = datetime.now(UTC).date()
    with work.life.database.statement() as sql:
        return usage.stored(sql, work.life.customer.id, today - timedelta(days=1), today).variants


def sweep(work: Work) -> None:
    """Remove orphans, however young."""
    found = sweeps.sweep(work.life.database, work.life.worker.objects, AT_ONCE, kinds=[SweepKind.OBJECTS])
    assert [one.interrupted_by for one in found] == [None]


def test_a_worker_that_ends_hands_its_variant_back(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web")
    life = work.life
    keeper = LeaseKeeper(life.database, lease_seconds=60, renew=claims.renew_leases, hand_back=claims.hand_back)
    with life.database.statement() as sql:
        claimed = claims.claim(sql, lease_seconds=60)
    assert claimed is not None
    with keeper.keep(claimed, since=0.0) as lease:
        keeper.renew()
        assert not lease.is_lost
        assert keeper.hand_back() == 1
    assert work.rows["web"].lease_token is None
    row = work.make()["web"]
    assert (row.state, row.crashes) == (VariantState.READY, 0)
