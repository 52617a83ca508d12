"""A sweep as beat asks for it, by the workers that serve it."""

from sqlalchemy import text

from schemas.enums import TaskName
from tests.e2e.conftest import System
from tests.support import eventually
from workers.app import create_app


def test_the_workers_forget_an_old_key_and_keep_the_file(system: System) -> None:
    customer = system.customer()
    answer = system.enqueue(
        customer_id=str(customer.id),
        request={"model": "nano-banana", "prompt": f"a lighthouse {system.behave()}"},
        idempotency_key="order-1",
    )[1]
    made = system.finished(customer, str(answer["id"]))
    assert made.status == "completed"
    with system.database.transaction() as session:
        session.execute(
            text("UPDATE generations SET finished_at = finished_at - interval '8 days' WHERE id = :id"), {"id": made.id}
        )

    with create_app(system.stack.settings) as app:
        app.send_task(TaskName.SWEEP.value, ignore_result=True)

    def key() -> str | None:
        with system.database.transaction() as session:
            query = text("SELECT idempotency_key FROM generations WHERE id = :id")
            found: str | None = session.execute(query, {"id": made.id}).scalar_one()
            return found

    eventually(key, lambda found: found is None)
    assert system.content(customer, made.id)
