"""The sweep: the files and records that it removes or keeps, concurrent sweeps, and errors."""

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from minio.error import S3Error
from sqlalchemy import text
from structlog.testing import capture_logs

from schemas.enums import AssetRole, EventName, Stage, SweepKind
from schemas.media_types import PNG
from schemas.orders import GenerationRequest
from schemas.setting_groups import RetentionSettings, S3Settings
from schemas.settings import Settings
from schemas.stages import TERMINAL
from storage import acceptance, callbacks
from storage.audit import audit
from storage.database import Database
from storage.objects import ObjectStore, Readable
from storage.sql import of
from storage.sweeps import Portion, Swept, base, files, rows, sweep
from tasks.files import object_key
from tasks.services import WorkerServices
from tasks.sweep import sweep as sweep_task
from tests.integration.gateway.finishing import complete
from tests.integration.tasks.conftest import Life, Lives
from tests.support import NewCustomer, a_generation, an_order, new_customer

# An orphan is old one hour before its last write: a sweep removes every orphan at once.
AT_ONCE = RetentionSettings().model_copy(update={"orphan_hours": -1})
WEEK = RetentionSettings(asset_days=7)


def swept(
    database: Database,
    objects: ObjectStore,
    retention: RetentionSettings,
    *kinds: SweepKind,
    is_dry: bool = False,
) -> list[Swept]:
    return list(sweep(database, objects, retention, kinds=kinds or tuple(SweepKind), is_dry=is_dry))


def counts(found: list[Swept]) -> dict[SweepKind, int]:
    assert [
        (one.kind, one.interrupted_by, one.total.failed) for one in found if one.interrupted_by or one.total.failed
    ] == []
    return {one.kind: one.total.count for one in found if one.total.count}


def sweep_orphans(life: Life, retention: RetentionSettings = AT_ONCE) -> int:
    (only,) = swept(life.database, life.worker.objects, retention, SweepKind.OBJECTS)
    assert not only.interrupted_by
    return only.total.count


def age(database: Database, generation_id: UUID, days: float) -> None:
    """Move all times of a generation back by this age."""
    by = f"interval '{days} days'"
    with database.transaction() as session:
        for statement in (
            f"UPDATE generations SET finished_at = finished_at - {by} WHERE id = :id",
            f"UPDATE assets SET created_at = created_at - {by} WHERE generation_id = :id",
            f"UPDATE callback_receipts SET created_at = created_at - {by} WHERE generation_id = :id",
        ):
            session.execute(text(statement), {"id": generation_id})


class SweptStore(ObjectStore):
    """An object store that runs a sweep after every write."""

    def __init__(self, settings: S3Settings, database: Database) -> None:
        super().__init__(settings)
        self._database = database
        self.sweeps = 0

    def put(self, key: str, body: Readable, *, size_bytes: int | None, content_type: str) -> None:
        super().put(key, body, size_bytes=size_bytes, content_type=content_type)
        self.sweeps += 1
        assert counts(swept(self._database, self, AT_ONCE)) == {}


@pytest.fixture
def swept_store(worker: WorkerServices, database: Database) -> Iterator[SweptStore]:
    store = SweptStore(worker.settings.s3, database)
    yield store
    store.close()


def test_sweep_at_any_moment_keeps_the_files_of_a_running_generation(lives: Lives, swept_store: SweptStore) -> None:
    life = lives.begin({"model": "kling-2.6-text-to-video", "duration_seconds": 5})
    life.worker = dataclasses.replace(life.worker, objects=swept_store)
    while life.row.stage not in TERMINAL:
        life.step()
        assert sweep_orphans(life) == 0
    assert (life.row.stage, swept_store.sweeps) == (Stage.COMPLETED, 2)
    assert [asset.role for asset in life.assets] == [AssetRole.RESULT, AssetRole.POSTER]
    assert audit(life.database, life.worker.objects).breaches == []


def test_objects_of_a_claim_stay_until_another_worker_claims(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.DOWNLOADING}))
    key = object_key(life.claim(), PNG)
    life.worker.objects.put_bytes(key, b"half of a life", content_type="image/png")
    assert sweep_orphans(life) == 0
    life.set("lease_until = clock_timestamp() - interval '3 days'")
    assert sweep_orphans(life) == 0, "its lease ran out, and it could still name them"
    life.go(until=TERMINAL)
    assert sweep_orphans(life) == 1
    assert life.worker.objects.stat(key) is None
    assert audit(life.database, life.worker.objects).breaches == []


def test_objects_of_a_failed_generation_are_swept(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.STORING}))
    assert sweep_orphans(life) == 0
    life.set("deadline_at = clock_timestamp()")
    assert life.step() is Stage.FAILED
    assert sweep_orphans(life) == 1


def test_young_orphans_stay(lives: Lives) -> None:
    life = lives.begin()
    key = f"customers/{life.customer.id}/assets/image/young.png"
    life.worker.objects.put_bytes(key, b"young", content_type="image/png")
    assert sweep_orphans(life, RetentionSettings()) == 0
    assert sweep_orphans(life) == 1


@pytest.mark.parametrize("owner", [str(UUID(int=1)), "nobody"])
def test_objects_of_unknown_customers_stay(database: Database, objects: ObjectStore, owner: str) -> None:
    """A wrong setting that combines an empty database with a full bucket must not empty the bucket."""
    key = f"customers/{owner}/assets/image/of-another-system.png"
    objects.put_bytes(key, b"theirs", content_type="image/png")
    assert counts(swept(database, objects, AT_ONCE)) == {}
    assert objects.stat(key)


@pytest.fixture
def customer(database: Database) -> NewCustomer:
    return new_customer(database, 1000)


def some_orphans(objects: ObjectStore, customer: NewCustomer, number: int) -> list[str]:
    keys = [f"customers/{customer.id}/assets/image/{name}.png" for name in range(number)]
    for key in keys:
        objects.put_bytes(key, b"orphan", content_type="image/png")
    return keys


class StubbornStore(ObjectStore):
    """An object store that fails to delete some objects."""

    kept: frozenset[str] = frozenset()

    def remove(self, key: str) -> None:
        if key in self.kept:
            raise S3Error(None, "AccessDenied", "held by the store", key, "", "")  # type: ignore[arg-type]
        super().remove(key)


def test_sweep_goes_on_after_an_object_that_cannot_be_removed(
    database: Database, settings: Settings, customer: NewCustomer
) -> None:
    objects = StubbornStore(settings.s3)
    keys = some_orphans(objects, customer, 8)
    objects.kept = frozenset(keys[1:4])
    (only,) = swept(database, objects, AT_ONCE, SweepKind.OBJECTS)
    assert (only.total, only.interrupted_by) == (Portion(5, 5 * len(b"orphan"), failed=3), None)
    objects.kept = frozenset()
    assert counts(swept(database, objects, AT_ONCE)) == {SweepKind.OBJECTS: 3}
    objects.close()


def test_sweep_gives_up_after_several_failures_in_a_row(
    database: Database, settings: Settings, customer: NewCustomer
) -> None:
    objects = StubbornStore(settings.s3)
    objects.kept = frozenset(some_orphans(objects, customer, 8))
    (only,) = swept(database, objects, AT_ONCE, SweepKind.OBJECTS)
    assert (only.total, only.interrupted_by) == (Portion(failed=4), "S3Error")
    objects.close()


def test_rows_are_swept_while_the_object_store_is_away(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"a picture")
    a_callback(database, generation_id, b"received")
    age(database, generation_id, 31)
    away = ObjectStore(settings.s3.model_copy(update={"endpoint": "127.0.0.1:1"}))
    found = {one.kind: one for one in swept(database, away, RetentionSettings())}
    assert found[SweepKind.OBJECTS].interrupted_by == found[SweepKind.MULTIPART].interrupted_by == "MaxRetryError"
    assert found[SweepKind.RECEIPTS].total == Portion(1, len(b"received"))
    away.close()


def test_old_multipart_upload_is_aborted(database: Database, objects: ObjectStore, customer: NewCustomer) -> None:
    key = f"customers/{customer.id}/assets/video/cut.mp4"
    upload_id = objects._client._create_multipart_upload(objects._bucket, key, {"Content-Type": "video/mp4"})
    objects._client._upload_part(objects._bucket, key, bytes(5 * 1024 * 1024), {}, upload_id, 1)
    assert [upload.key for upload in objects.multipart_uploads("customers/")] == [key]
    assert counts(swept(database, objects, RetentionSettings())) == {}
    assert counts(swept(database, objects, AT_ONCE, is_dry=True)) == {SweepKind.MULTIPART: 1}
    assert counts(swept(database, objects, AT_ONCE)) == {SweepKind.MULTIPART: 1}
    assert list(objects.multipart_uploads("customers/")) == []


def test_results_expire_after_their_retention_with_a_timeline_entry(lives: Lives) -> None:
    life = lives.begin({"model": "kling-2.6-text-to-video", "duration_seconds": 5})
    life.go(until=TERMINAL)
    objects = life.worker.objects
    age(life.database, life.id, 6.9)
    assert counts(swept(life.database, objects, WEEK)) == {}
    age(life.database, life.id, 0.2)
    assert counts(swept(life.database, objects, RetentionSettings())) == {}, "files are kept for ever by default"
    assert counts(swept(life.database, objects, WEEK)) == {SweepKind.ASSETS: 2}
    assert counts(swept(life.database, objects, WEEK)) == {}
    assert all(asset.expired_at and objects.stat(asset.object_key) is None for asset in life.assets)
    (expired,) = [event for event in life.events if event.name is EventName.EXPIRED]
    size_bytes = sum(asset.size_bytes for asset in life.assets)
    assert (expired.origin, expired.stage) == (Stage.COMPLETED, Stage.COMPLETED)
    assert expired.data == {"files": 2, "size_bytes": size_bytes}
    assert audit(life.database, objects).breaches == []


def test_results_of_an_unsettled_generation_stay(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=frozenset({Stage.SETTLING}))
    age(life.database, life.id, 10)
    assert counts(swept(life.database, life.worker.objects, WEEK)) == {}
    assert life.go(until=TERMINAL) is Stage.COMPLETED


def test_expired_file_left_by_a_stopped_sweep_is_swept_as_an_orphan(lives: Lives) -> None:
    life = lives.begin()
    life.go(until=TERMINAL)
    with life.database.transaction() as session:
        session.execute(text("UPDATE assets SET expired_at = now() WHERE generation_id = :id"), {"id": life.id})
    assert sweep_orphans(life) == 1


def a_callback(database: Database, generation_id: UUID, body: bytes) -> None:
    with database.transaction() as session:
        callbacks.record(
            of(session), an_order().routes[0].provider, generation_id, remote_id="remote", body=body, resend_after=10
        )


def receipts(database: Database) -> set[bytes]:
    with database.transaction() as session:
        return {bytes(body) for body in session.execute(text("SELECT body FROM callback_receipts")).scalars()}


def keys(database: Database) -> set[str]:
    with database.transaction() as session:
        query = text("SELECT idempotency_key FROM generations WHERE idempotency_key IS NOT NULL")
        return set(session.execute(query).scalars())


def a_finished_one(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer, *, days: float
) -> UUID:
    """Finished so many days ago, with a callback and a key that say how many."""
    generation_id = a_generation(database, settings, customer)
    with database.transaction() as session:
        key = {"key": f"message {days}", "id": generation_id}
        session.execute(text("UPDATE generations SET idempotency_key = :key WHERE id = :id"), key)
    a_callback(database, generation_id, str(days).encode())
    complete(database, settings, objects, generation_id, b"a picture")
    age(database, generation_id, days)
    return generation_id


def test_receipts_are_deleted_after_their_retention(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "SLICE", 2)
    for days in (29, 33, 34, 31, 32, 1):
        a_finished_one(database, settings, objects, customer, days=days)
    unfinished = a_generation(database, settings, customer)
    a_callback(database, unfinished, b"unfinished")
    age(database, unfinished, 40)
    (only,) = swept(database, objects, RetentionSettings(), SweepKind.RECEIPTS)
    assert only.total == Portion(4, 8)
    assert receipts(database) == {b"29", b"1", b"unfinished"}


def test_receipt_of_a_late_callback_is_kept_for_the_retention(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    finished = a_finished_one(database, settings, objects, customer, days=40)
    a_callback(database, finished, b"late")
    assert counts(swept(database, objects, RetentionSettings(), SweepKind.RECEIPTS)) == {SweepKind.RECEIPTS: 1}
    assert receipts(database) == {b"late"}


def test_idempotency_keys_are_cleared_after_their_retention(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "SLICE", 2)
    for days in (6.9, 7.1, 8, 9):
        a_finished_one(database, settings, objects, customer, days=days)
    assert counts(swept(database, objects, RetentionSettings(), SweepKind.KEYS)) == {SweepKind.KEYS: 3}
    assert keys(database) == {"message 6.9"}


def test_cleared_idempotency_key_makes_a_new_generation(
    database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer
) -> None:
    def order() -> acceptance.AcceptedOrder:
        request = GenerationRequest(model="nano-banana", prompt="a lighthouse")
        with database.transaction() as session:
            return acceptance.accept(
                of(session), customer.id, request, lambda *_: an_order(), settings.pipeline, idempotency_key="order-1"
            )

    first = order()
    age(database, first.generation.id, 8)
    assert counts(swept(database, objects, RetentionSettings())) == {}, "it is not finished"
    complete(database, settings, objects, first.generation.id, b"a picture")
    assert not order().is_new
    age(database, first.generation.id, 8)
    assert counts(swept(database, objects, RetentionSettings())) == {SweepKind.KEYS: 1}
    assert order().is_new


FIFTY_DAYS = {SweepKind.ASSETS: 6, SweepKind.OBJECTS: 3, SweepKind.RECEIPTS: 6, SweepKind.KEYS: 6}


@pytest.fixture
def full(database: Database, settings: Settings, objects: ObjectStore, customer: NewCustomer) -> None:
    """Six generations of fifty days ago, and three orphans."""
    for number in range(6):
        a_finished_one(database, settings, objects, customer, days=50 + number / 10)
    some_orphans(objects, customer, 3)


EVERYTHING = WEEK.model_copy(update={"orphan_hours": -1})


@pytest.mark.usefixtures("full")
def test_dry_run_counts_the_same_and_changes_nothing(database: Database, objects: ObjectStore) -> None:
    foretold = swept(database, objects, EVERYTHING, is_dry=True)
    assert swept(database, objects, EVERYTHING, is_dry=True) == foretold
    done = swept(database, objects, EVERYTHING)
    assert done == foretold
    assert counts(done) == FIFTY_DAYS
    assert counts(swept(database, objects, EVERYTHING)) == {}


@pytest.mark.usefixtures("full")
def test_concurrent_sweeps_share_the_work(
    database: Database, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (base, rows, files):
        monkeypatch.setattr(module, "SLICE", 1)
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: counts(swept(database, objects, EVERYTHING)), range(4)))
    for kind in (SweepKind.ASSETS, SweepKind.RECEIPTS, SweepKind.KEYS):
        assert sum(run.get(kind, 0) for run in runs) == FIFTY_DAYS[kind]
    assert counts(swept(database, objects, EVERYTHING)) == {}


@pytest.mark.usefixtures("full")
def test_sweep_skips_locked_rows(database: Database, objects: ObjectStore) -> None:
    with database.transaction() as holder:
        held = holder.execute(text("SELECT id FROM generations ORDER BY id LIMIT 1 FOR UPDATE")).scalar_one()
        holder.execute(text("SELECT FROM callback_receipts WHERE generation_id = :id FOR UPDATE"), {"id": held})
        assert counts(swept(database, objects, EVERYTHING)) == {
            SweepKind.ASSETS: 5,
            SweepKind.OBJECTS: 3,
            SweepKind.RECEIPTS: 5,
            SweepKind.KEYS: 5,
        }
    assert counts(swept(database, objects, EVERYTHING)) == {
        SweepKind.ASSETS: 1,
        SweepKind.RECEIPTS: 1,
        SweepKind.KEYS: 1,
    }


@pytest.mark.usefixtures("full")
def test_workers_sweep_and_log_the_sums(worker: WorkerServices) -> None:
    services = dataclasses.replace(worker, settings=worker.settings.model_copy(update={"retention": EVERYTHING}))
    with capture_logs() as lines:
        sweep_task(services)
    assert {line["kind"]: line["count"] for line in lines if line["event"] == "swept"} == FIFTY_DAYS
