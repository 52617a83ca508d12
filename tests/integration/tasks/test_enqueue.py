from uuid import UUID, uuid4

from storage import batches, generations, ledger
from storage.database import Database
from storage.ledger import Balance
from storage.sql import of
from tasks.services import WorkerServices
from tests.integration.intake.raw_messages import served
from tests.support import new_customer
from workers.lifecycle import intake_of

REQUEST = {"model": "nano-banana", "prompt": "a lighthouse in fog"}


def enqueue(worker: WorkerServices, arguments: dict[str, object], message_id: str = "") -> dict[str, object]:
    return served(intake_of(worker), arguments, message_id=message_id or None)


def problem(answer: dict[str, object]) -> dict[str, object]:
    error = answer["error"]
    assert isinstance(error, dict)
    return error


def test_request_over_redis_is_accepted_like_a_request_over_http(database: Database, worker: WorkerServices) -> None:
    customer = new_customer(database, 100)
    answer = enqueue(worker, {"customer_id": str(customer.id), "request": REQUEST})
    assert (answer["status"], answer["is_new"]) == ("queued", True)
    with database.transaction() as session:
        row = generations.find(session, UUID(str(answer["id"])), customer_id=customer.id)
        assert row is not None
        assert ledger.balance(session, customer.id) == Balance(available=100 - row.credits, held=row.credits)


def test_repeated_idempotency_key_returns_the_same_generation(database: Database, worker: WorkerServices) -> None:
    customer = new_customer(database, 100)
    arguments = {"customer_id": str(customer.id), "request": REQUEST, "idempotency_key": "order-1"}
    first, again = enqueue(worker, {**arguments}), enqueue(worker, {**arguments})
    assert (first["id"], again["is_new"]) == (again["id"], False)


def test_message_delivered_twice_makes_one_generation(database: Database, worker: WorkerServices) -> None:
    customer = new_customer(database, 100)
    arguments: dict[str, object] = {"customer_id": str(customer.id), "request": REQUEST}
    first, again = (enqueue(worker, {**arguments}, "message-1") for _ in range(2))
    assert (first["id"], again["is_new"]) == (again["id"], False)
    other = enqueue(worker, {**arguments}, "message-2")
    assert other["id"] != first["id"]


def test_several_outputs_over_redis_are_one_batch_however_often_the_message_comes(
    database: Database, worker: WorkerServices
) -> None:
    customer = new_customer(database, 100)
    arguments: dict[str, object] = {"customer_id": str(customer.id), "request": REQUEST | {"number_of_outputs": 3}}
    first, again = (enqueue(worker, {**arguments}, "message-1") for _ in range(2))
    assert (first["object"], first["is_new"], again) == ("batch", True, {**first, "is_new": False})
    with database.transaction() as session:
        batch = batches.find(of(session), UUID(str(first["id"])), customer_id=customer.id)
        assert batch is not None
        assert (sum(batch.stages.values()), ledger.balance(session, customer.id).held) == (3, batch.credits)


def test_invalid_request_returns_a_problem(database: Database, worker: WorkerServices) -> None:
    customer = new_customer(database, 1)
    customer_id = str(customer.id)
    poor = problem(enqueue(worker, {"customer_id": customer_id, "request": REQUEST}))
    assert (poor["status"], poor["code"]) == (402, "insufficient_credits")
    stranger = problem(enqueue(worker, {"customer_id": str(uuid4()), "request": REQUEST}))
    assert (stranger["status"], stranger["code"]) == (404, "not_found")
    wrong = problem(enqueue(worker, {"customer_id": customer_id, "request": {**REQUEST, "frames": 24}}))
    assert (wrong["status"], wrong["errors"]) == (
        422,
        [{"field": "frames", "message": "there is no field `frames`; `duration_seconds` and `fps` say it"}],
    )
    retired = problem(
        enqueue(worker, {"customer_id": customer_id, "request": {**REQUEST, "model": "sora-2-text-to-video"}})
    )
    assert retired["status"] == 410


def test_problem_does_not_repeat_the_refused_request(database: Database, worker: WorkerServices) -> None:
    customer = new_customer(database, 100)
    secret = "a secret plan"
    answer = enqueue(worker, {"customer_id": str(customer.id), "request": {"model": 7, "prompt": secret}})
    assert secret not in str(answer)
