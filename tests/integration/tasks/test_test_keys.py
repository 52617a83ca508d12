"""Orders of test customers, from acceptance to the stored file, by workers that have live accounts, too."""

from uuid import UUID

import pytest
from sqlalchemy import text

from intake.orders import Payer
from sandbox.client import SandboxClient
from schemas.enums import Stage
from schemas.orders import GenerationRequest
from storage import customers
from storage.audit import Breach, audit
from storage.database import Database
from tasks.services import WorkerServices
from tests.integration.intake.raw_messages import served
from tests.integration.tasks.conftest import Life
from tests.support import NewCustomer, new_customer
from workers.lifecycle import intake_of

REQUEST = {"model": "nano-banana", "prompt": "a lighthouse"}
ENDED = frozenset({Stage.COMPLETED, Stage.FAILED})


@pytest.fixture
def live(database: Database) -> NewCustomer:
    """A customer with 1000 credits."""
    return new_customer(database, 1000)


@pytest.fixture
def test_id(database: Database, live: NewCustomer) -> UUID:
    """The customer's test customer."""
    with database.transaction() as session:
        return customers.ensure_test_customer(session, live.id)


def test_test_order_is_made_at_the_sandbox_and_audits_hold(
    worker: WorkerServices, database: Database, sandbox: SandboxClient, live: NewCustomer, test_id: UUID
) -> None:
    request = GenerationRequest.model_validate(REQUEST)
    accepted = intake_of(worker).take(request, Payer(test_id, is_test=True))
    life = Life(database, worker, sandbox, NewCustomer(test_id, ""), accepted.generation.id, "")

    assert life.go(until=ENDED) is Stage.COMPLETED
    assert life.row.provider == "test_kie"
    assert audit(database, worker.objects).breaches == []
    with database.transaction() as session:
        live_revenue = session.execute(
            text("""
            SELECT count(*)
            FROM ledger_transfers t JOIN ledger_accounts a ON a.id IN (t.from_account_id, t.to_account_id)
            WHERE a.kind IN ('equity', 'revenue') AND t.customer_id = :id
        """),
            {"id": test_id},
        ).scalar_one()
    assert live_revenue == 0


@pytest.mark.parametrize("is_test", [True, False])
def test_audit_finds_a_live_order_at_the_sandbox_and_a_test_order_elsewhere(
    worker: WorkerServices, database: Database, live: NewCustomer, test_id: UUID, is_test: bool
) -> None:
    request = GenerationRequest.model_validate(REQUEST)
    accepted = intake_of(worker).take(request, Payer(test_id if is_test else live.id, is_test=is_test))
    wrong, problem = ("kie", "a test order at kie") if is_test else ("test_kie", "a live order at test_kie")
    with database.transaction() as session:
        session.execute(text("UPDATE generations SET provider = :wrong"), {"wrong": wrong})

    assert audit(database, worker.objects).breaches == [Breach(2, str(accepted.generation.id), problem)]


def enqueue(worker: WorkerServices, customer_id: UUID, message: str) -> dict[str, object]:
    arguments: dict[str, object] = {"customer_id": str(customer_id), "request": REQUEST}
    return served(intake_of(worker), arguments, message_id=message)


def test_redis_door_reaches_a_test_customer_by_its_own_id_only(
    worker: WorkerServices, database: Database, live: NewCustomer, test_id: UUID
) -> None:
    for customer_id in (live.id, test_id, live.id, test_id):
        assert "error" not in enqueue(worker, customer_id, f"to-{customer_id}")

    with database.transaction() as session:
        rows = session.execute(text("SELECT customer_id, provider FROM generations")).all()
    assert set(map(tuple, rows)) == {(live.id, "kie"), (test_id, "test_kie")}


@pytest.mark.parametrize("is_test", [True, False])
def test_order_of_the_wrong_kind_is_not_accepted(
    worker: WorkerServices, database: Database, live: NewCustomer, test_id: UUID, is_test: bool
) -> None:
    """The last guard: the row itself is refused, whatever a door believes."""
    request = GenerationRequest.model_validate(REQUEST)
    mistaken = Payer(live.id if is_test else test_id, is_test=is_test)

    with pytest.raises(Exception, match="there is no customer"):
        intake_of(worker).take(request, mistaken)
    with database.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM generations")).scalar_one() == 0
