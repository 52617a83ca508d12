"""Each operation of the Redis door answers as the request over HTTP that does the same."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest
from redis import Redis

from api_gateway import create_app as create_gateway
from intake.orders import Intake
from intake.redis.operations import OPERATIONS
from intake.redis.request import Operation
from schemas.settings import Settings
from storage import ledger
from storage.database import Database
from tests.integration.gateway.serving import serving
from tests.integration.intake.raw_messages import Wire, served
from tests.integration.intake.test_redis_serving import a_door
from tests.support import NewCustomer

REQUEST = {"model": "nano-banana", "prompt": "a lighthouse in fog", "metadata": {"thread": "7"}}
PRICE = 4


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A client of the gateway."""
    with serving(create_gateway(settings)) as client:
        yield client


def held(database: Database, customer: NewCustomer) -> int:
    with database.transaction() as session:
        return ledger.balance(session, customer.id).held


def order(intake: Intake, customer: NewCustomer) -> str:
    return str(served(intake, {"customer_id": str(customer.id), "request": REQUEST})["id"])


def test_get_answers_with_the_resource_of_http(
    gateway: httpx.Client, intake: Intake, customer: NewCustomer, wire: Wire
) -> None:
    arguments = {"customer_id": str(customer.id), "generation_id": order(intake, customer)}
    answer = served(intake, arguments, operation=Operation.GET, wire=wire)

    over_http = gateway.get(f"/v1/generations/{arguments['generation_id']}", headers=customer.headers).json()
    assert answer == over_http
    assert (answer["status"], answer["metadata"]) == ("queued", {"thread": "7"})


def test_cancel_ends_a_queued_generation_and_answers_with_its_resource(
    gateway: httpx.Client, intake: Intake, database: Database, customer: NewCustomer, wire: Wire
) -> None:
    arguments = {"customer_id": str(customer.id), "generation_id": order(intake, customer)}
    assert held(database, customer) == PRICE
    answer = served(intake, arguments, operation=Operation.CANCEL, wire=wire)

    assert (answer["id"], answer["status"]) == (arguments["generation_id"], "cancelled")
    assert held(database, customer) == 0
    path = f"/v1/generations/{arguments['generation_id']}"
    assert answer == gateway.get(path, headers=customer.headers).json()
    again = served(intake, arguments, operation=Operation.CANCEL, wire=wire)
    assert again == answer == gateway.post(f"{path}/cancel", headers=customer.headers).json()


@pytest.mark.parametrize("operation", [Operation.GET, Operation.CANCEL])
def test_generation_of_another_customer_is_not_found(
    intake: Intake, database: Database, make_customer: Callable[[int], NewCustomer], operation: Operation, wire: Wire
) -> None:
    owner, stranger = make_customer(100), make_customer(100)
    generation_id = order(intake, owner)
    arguments = {"customer_id": str(stranger.id), "generation_id": generation_id}
    answer = served(intake, arguments, operation=operation, wire=wire)

    assert (answer["error"]["status"], answer["error"]["code"]) == (404, "not_found")
    assert held(database, owner) == PRICE


def test_estimate_answers_as_http_and_holds_nothing(
    gateway: httpx.Client, intake: Intake, database: Database, customer: NewCustomer, wire: Wire
) -> None:
    request = REQUEST | {"number_of_outputs": 3}
    arguments = {"customer_id": str(customer.id), "request": request}
    answer = served(intake, arguments, operation=Operation.ESTIMATE, wire=wire)

    assert answer == gateway.post("/v1/estimate", json=request, headers=customer.headers).json()
    assert (answer["credits"], held(database, customer)) == (3 * PRICE, 0)


def test_batch_is_accepted_whole_and_once(
    gateway: httpx.Client, intake: Intake, database: Database, customer: NewCustomer, wire: Wire
) -> None:
    batch = {"requests": [REQUEST, REQUEST | {"prompt": "a boat"}]}
    arguments = {"customer_id": str(customer.id), "request": batch}
    first, again = (
        served(intake, arguments, operation=Operation.ENQUEUE_BATCH, message_id=f"batch of {wire}".replace(" ", "-"),
               wire=wire)
        for _ in range(2)
    )  # fmt: skip

    assert (first["object"], first["is_new"], again) == ("batch", True, {**first, "is_new": False})
    assert held(database, customer) == 2 * PRICE
    over_http = gateway.get(f"/v1/batches/{first['id']}", headers=customer.headers).json()
    assert first["generations"] == [one["id"] for one in over_http["generations"]["data"]]
    assert [one["inputs"]["prompt"] for one in over_http["generations"]["data"]] == [REQUEST["prompt"], "a boat"]


def test_wrong_request_of_a_batch_is_refused_with_its_place_and_nothing_is_accepted(
    gateway: httpx.Client, intake: Intake, database: Database, customer: NewCustomer, wire: Wire
) -> None:
    batch = {"requests": [REQUEST, {"prompt": "a boat", "model": "klingon"}]}
    arguments = {"customer_id": str(customer.id), "request": batch}
    answer = served(intake, arguments, operation=Operation.ENQUEUE_BATCH, wire=wire)

    assert answer["error"] == gateway.post("/v1/batches", json=batch, headers=customer.headers).json()
    assert answer["error"]["errors"][0]["field"] == "requests.1.model"
    assert held(database, customer) == 0


@pytest.mark.parametrize(
    ("operation", "arguments", "detail"),
    [
        (Operation.GET, {}, "generation_id: is missing: the id of the generation"),
        (Operation.GET, {"generation_id": "7"}, "generation_id: must be a UUID"),
        (Operation.CANCEL, {"generation_id": str(uuid4()), "request": {}}, "there is no field `request`"),
        (Operation.ESTIMATE, {}, "request: is missing: the body of POST /v1/estimate"),
        (Operation.ENQUEUE_BATCH, {"request": {}}, "needs either `requests`, or `request`"),
        (
            Operation.ENQUEUE_BATCH,
            {"request": {"requests": [{"prompts": []}]}},
            "requests.0.prompts: there is no",
        ),
    ],
)
def test_wrong_arguments_are_refused_with_what_would_be_right(
    intake: Intake, operation: Operation, arguments: dict[str, object], detail: str, wire: Wire
) -> None:
    answer = served(intake, {"customer_id": str(uuid4()), **arguments}, operation=operation, wire=wire)
    assert (answer["error"]["status"], detail in answer["error"]["detail"]) == (422, True), answer


def test_unknown_operation_is_refused_with_those_that_exist(intake: Intake, wire: Wire) -> None:
    answer = served(intake, {}, operation="generation.destroy", wire=wire)
    assert "'generation.destroy'" in answer["error"]["detail"]
    assert all(operation in answer["error"]["detail"] for operation in Operation)


def test_flower_sees_no_prompt_in_the_answer_to_a_read(intake: Intake, broker: Redis, customer: NewCustomer) -> None:
    door = a_door(intake, broker)
    generation_id = order(intake, customer)
    arguments = {"customer_id": str(customer.id), "generation_id": generation_id}
    door.served({"operation": "generation.get", "id": "look-1", "arguments": arguments})

    _, told = door.events[-1]
    assert (generation_id in told["result"], "lighthouse" in str(door.events)) == (True, False)
    assert "lighthouse" in str(broker.get("reelworks:answer:look-1"))


def test_every_operation_is_served() -> None:
    assert set(OPERATIONS) == set(Operation)
