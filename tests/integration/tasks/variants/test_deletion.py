"""A customer deletes a generation at the moment when its variant ends."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from schemas.errors import LeaseLost
from schemas.event_types import EventType
from schemas.variants import FilePart, VariantError, VariantOrigin
from schemas.webhook_tables import WebhookEndpoint
from storage import deletion
from storage.sql import Query, Sql
from storage.variants import claims
from storage.variants.claims import NewFile, VariantClaim
from tests.integration.tasks.variants.works import Finished, Work, clip
from tests.support import until_sessions_wait

_FILE = ("video/mp4", 1, "0" * 64)


@pytest.fixture(scope="module")
def mp4() -> bytes:
    """A result."""
    return clip("libx264", "mp4", options={"preset": "ultrafast"})


def claimed(work: Work) -> VariantClaim:
    """A claim of the only variant, whose end an endpoint wants to hear."""
    life = work.life
    endpoint = {"url": "https://shop.example/", "types": [EventType.VARIANTS_ENDED], "secret": "whsec_1"}
    with life.database.transaction() as session:
        session.add(WebhookEndpoint.model_validate({"customer_id": life.customer.id, **endpoint}))
    with life.database.statement() as sql:
        taken = claims.claim(sql, lease_seconds=60)
    assert taken is not None
    return taken


class _Beside(Sql):
    """A transaction beside which a deletion begins, after its first statement that returns rows."""

    def __init__(self, sql: Sql, work: Work, deletions: ThreadPoolExecutor) -> None:
        self._sql, self._work, self._deletions = sql, work, deletions
        self.deletion: Future[None] | None = None

    def all(self, query: Query[Any], /, **given: object) -> list[Any]:
        """Run a query. After the first one, wait until the deletion waits for this transaction."""
        rows = self._sql.all(query, **given)
        if self.deletion is None:
            life = self._work.life
            self.deletion = self._deletions.submit(
                deletion.delete, life.database, life.worker.objects, life.id, customer_id=life.customer.id
            )
            until_sessions_wait(life.database, 1)
        return rows

    def run(self, statement: str, /, **given: object) -> None:
        """Run a statement."""
        self._sql.run(statement, **given)


@pytest.mark.parametrize("is_made", [True, False], ids=["made", "failed"])
def test_a_deletion_during_the_end_of_a_variant_waits_and_leaves_nothing(
    finished: Finished, mp4: bytes, is_made: bool
) -> None:
    work = finished(mp4, "web")
    claim = claimed(work)
    file = NewFile(FilePart.MEDIA, f"{claims.PREFIX}{claim.token}", *_FILE)
    with ThreadPoolExecutor(1) as deletions:
        with work.life.database.statements() as sql:
            beside = _Beside(sql, work, deletions)
            if is_made:
                assert claims.finish(beside, claim, VariantOrigin.COPIED, [file])
            else:
                claims.fail(beside, claim, VariantError.INTERNAL, "a fault")
        assert beside.deletion is not None
        beside.deletion.result(timeout=60)
    assert (work.rows, work.files) == ({}, [])


def test_a_variant_that_ends_after_a_deletion_writes_nothing(finished: Finished, mp4: bytes) -> None:
    work = finished(mp4, "web")
    claim, life = claimed(work), work.life
    deletion.delete(life.database, life.worker.objects, life.id, customer_id=life.customer.id)
    with life.database.statements() as sql:
        assert not claims.finish(sql, claim, VariantOrigin.COPIED, [])
    with pytest.raises(LeaseLost), life.database.statements() as sql:
        claims.fail(sql, claim, VariantError.INTERNAL, "a fault")
    assert (work.rows, work.files) == ({}, [])
