"""Variants in a running system: made by the media worker, and once more after its death."""

import pytest
from sqlalchemy import text
from sqlmodel import Session

from schemas.enums import SweepKind
from schemas.setting_groups import RetentionSettings
from storage.objects import ObjectStore
from storage.sweeps import sweep
from tests.e2e.conftest import System
from tests.e2e.test_faults import worker_process
from tests.support import eventually

_ROW = text("SELECT state, attempt, crashes, lease_token FROM variants WHERE generation_id = CAST(:id AS uuid)")
_AT_ONCE = RetentionSettings().model_copy(update={"orphan_hours": -1})


def row(system: System, generation_id: str) -> dict[str, object]:
    """The row of the only variant."""
    with system.database.transaction() as session:
        found = session.execute(_ROW, {"id": generation_id}).one_or_none()
    return {} if found is None else dict(found._mapping)


@pytest.mark.slow
def test_a_killed_media_worker_makes_its_variant_once_more(system: System) -> None:
    customer = system.customer()
    word = system.behave()
    answer = system.submit(
        customer, word, model="kling-2.6-text-to-video", duration_seconds=5, variants=[{"name": "small", "width": 64}]
    )
    generation_id = answer.json()["id"]
    with system.database.transaction() as session:
        # The worker stores the file, and waits here before it writes the end.
        eventually(lambda: _locked(session, generation_id), bool)
        eventually(lambda: row(system, generation_id).get("lease_token"), lambda token: token is not None)
        killed = worker_process(system, "media")
        killed.kill()
        killed.wait()
    done = eventually(lambda: row(system, generation_id), lambda found: found.get("state") == "ready")
    # A busy worker may lose its lease, and try once more.
    assert done["attempt"] not in {0, 1}
    assert done["crashes"] != 0
    finished = system.finished(customer, generation_id)
    assert finished.status == "completed"
    objects = ObjectStore(system.stack.settings.s3)
    list(sweep(system.database, objects, _AT_ONCE, kinds=[SweepKind.OBJECTS]))
    kept = [found.key for found in objects.list(f"variants/{customer.id}/")]
    objects.close()
    with system.database.transaction() as session:
        named = session.execute(text("SELECT object_key FROM variant_files")).scalars().all()
        captures = session.execute(
            text("SELECT count(*) FROM ledger_transfers WHERE generation_id = CAST(:id AS uuid) AND kind = 'capture'"),
            {"id": generation_id},
        ).scalar_one()
    assert set(kept) <= set(named)
    assert len(kept) == 1
    assert captures == 1


def _locked(session: Session, generation_id: str) -> bool:
    """Lock the result, once it is there."""
    query = text("SELECT id FROM assets WHERE generation_id = CAST(:id AS uuid) AND role = 'result' FOR UPDATE")
    return session.execute(query, {"id": generation_id}).first() is not None
