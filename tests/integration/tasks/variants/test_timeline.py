"""The timeline tells how far each variant is: due, being made, between two tries, or ended."""

from typing import Any

import pytest

from schemas.enums import EventName, Stage
from schemas.timeline_api import OperatorsEntry, OtherEntry
from schemas.variants import VariantState
from storage import deletion, generations, timeline, timeline_document
from storage.variants import claims
from tests.integration.tasks.variants.works import Finished, Work, clip


@pytest.fixture(scope="module")
def mp4() -> bytes:
    """A result that is its own web variant."""
    return clip("libx264", "mp4", seconds=0.5, options={"preset": "ultrafast"}, muxer={"movflags": "faststart"})


def entries(work: Work) -> list[OperatorsEntry]:
    """The entries for operators."""
    with work.life.database.transaction() as session:
        row = generations.find(session, work.life.id)
        assert row is not None
        return timeline_document.for_operators(timeline.records(session, row)).entries


def variant(work: Work) -> dict[str, Any]:
    """The facts of the only variant."""
    (entry,) = [entry for entry in entries(work) if entry.name == OtherEntry.VARIANT]
    return entry.details


def test_variants_of_a_real_worker_are_the_last_entries_with_bytes_and_times(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web", "sprites")
    before = entries(work)
    assert [entry.name for entry in before[-2:]] == [OtherEntry.VARIANT] * 2
    assert [entry.details["state"] for entry in before[-2:]] == ["pending", "pending"]
    rows = work.make()
    told = {str(entry.details["name"]): entry for entry in entries(work) if entry.name == OtherEntry.VARIANT}
    assert {entry.stage for entry in told.values()} == {Stage.COMPLETED}
    for name, entry in told.items():
        row = rows[name]
        assert row.finished_at is not None
        assert row.claimed_at is not None
        assert entry.at == row.finished_at
        assert entry.details["seconds"] == pytest.approx((row.finished_at - row.claimed_at).total_seconds(), abs=0.001)
        assert (entry.details["state"], entry.details["claims"]) == ("ready", 1)
    # The sheet and its times.
    files = [file for file in work.files if file.variant_id == rows["sprites"].id]
    assert len(files) == 2
    assert told["sprites"].details["size_bytes"] == sum(file.size_bytes for file in files)
    assert told["sprites"].details["content_type"] == "image/jpeg"
    assert told["web"].details["origin"] == "original"
    assert "size_bytes" not in told["web"].details


def test_pending_variant_tells_whether_it_is_late_being_made_or_between_two_tries(
    finished: Finished, mp4: bytes
) -> None:
    work = finished(mp4, {"name": "small", "width": 64})
    database = work.life.database
    with database.statement() as sql:
        sql.run("UPDATE variants SET wake_at = clock_timestamp() - interval '40 s'")
    late = variant(work)
    assert (late["state"], late["is_being_made"], late["claims"]) == (VariantState.PENDING, False, 0)
    assert late["due_seconds"] >= 40
    with database.statement() as sql:
        claimed = claims.claim(sql, lease_seconds=3600, holder="media@host")
    assert claimed is not None
    being_made = variant(work)
    assert (being_made["is_being_made"], being_made["worker"], being_made["claims"]) == (True, "media@host", 1)
    assert being_made["seconds"] >= 0
    assert "due_seconds" not in being_made
    with database.statement() as sql:
        claims.put_back(sql, claimed, seconds=3600, failed=True)
    between = variant(work)
    assert (between["is_being_made"], between["failures"]) == (False, 1)
    wake_at = work.rows["small"].wake_at
    assert wake_at is not None
    assert between["wake_at"] == wake_at.isoformat()
    assert {"due_seconds", "seconds"} & between.keys() == set()


def test_claim_of_a_worker_that_died_leaves_its_variant_due(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, {"name": "small", "width": 64})
    with work.life.database.statement() as sql:
        assert claims.claim(sql, lease_seconds=3600, holder="media@host") is not None
        sql.run("UPDATE variants SET lease_until = clock_timestamp() - interval '9 s'")
        sql.run("UPDATE variants SET wake_at = lease_until")
    left = variant(work)
    assert (left["is_being_made"], left["worker"]) == (False, "media@host")
    assert left["due_seconds"] >= 9


def test_deletion_takes_variants_off_the_timeline(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web")
    work.make()
    assert variant(work)["state"] == "ready"
    deletion.delete(work.life.database, work.life.worker.objects, work.life.id)
    names = [entry.name for entry in entries(work)]
    assert OtherEntry.VARIANT not in names
    assert names[-1] == EventName.DELETED
