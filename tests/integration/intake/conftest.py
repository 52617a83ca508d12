"""Every door of the running services, each with the same two methods."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import redis

from api_gateway import create_app as create_gateway
from intake.orders import Intake
from schemas.settings import Settings
from tests.integration.gateway.serving import empty_broker, serving
from tests.integration.intake.raw_messages import Wire, served
from tests.support import NewCustomer
from workers.app import create_app as create_celery
from workers.lifecycle import intake_of, open_services


@dataclass(frozen=True)
class Answer:
    """The answer of a door to an order."""

    id: str | None
    """The generation's; None where the order was refused."""
    is_new: bool
    problem: Mapping[str, Any]
    """The RFC 9457 document; empty where the order was accepted."""
    models: tuple[str | None, str | None] = (None, None)
    """The name in the order, and the model that serves the order."""


Door = Callable[[NewCustomer, Mapping[str, object], str | None], Answer]
"""Gives a customer's order to a door, with an idempotency key or without."""


@pytest.fixture(scope="session")
def http(settings: Settings) -> Iterator[Door]:
    """`POST /v1/generations`."""
    with serving(create_gateway(settings)) as client:
        yield http_door(client)


@pytest.fixture(scope="session")
def intake(settings: Settings) -> Iterator[Intake]:
    """The intake of a worker process."""
    with open_services(create_celery(settings, process="worker"), settings, worker_name="a test") as services:
        yield intake_of(services)


@pytest.fixture(params=["celery", "plain"])
def wire(request: pytest.FixtureRequest) -> Wire:
    """Each form of a message in turn."""
    form: Wire = request.param
    return form


@pytest.fixture(scope="session")
def over_redis(intake: Intake) -> Door:
    """`generation.enqueue` in a message of Celery."""
    return redis_door_of(intake)


@pytest.fixture(scope="session")
def over_plain_redis(intake: Intake) -> Door:
    """`generation.enqueue` in a plain envelope."""
    return redis_door_of(intake, "plain")


def http_door(client: httpx.Client) -> Door:
    """`POST /v1/generations` of a gateway."""

    def order(customer: NewCustomer, request: Mapping[str, object], key: str | None) -> Answer:
        headers = {**customer.headers, **({"Idempotency-Key": key} if key else {})}
        answer = client.post("/v1/generations", json=request, headers=headers)
        if answer.status_code != httpx.codes.ACCEPTED:
            return Answer(None, False, answer.json())
        told = answer.json()
        models = (told["requested_model"], told["model"])
        return Answer(told["id"], "idempotency-replayed" not in answer.headers, {}, models)

    return order


def redis_door_of(intake: Intake, wire: Wire = "celery") -> Door:
    """`generation.enqueue` of an intake."""

    def order(customer: NewCustomer, request: Mapping[str, object], key: str | None) -> Answer:
        arguments: dict[str, object] = {"customer_id": str(customer.id), "request": request, "idempotency_key": key}
        answer = served(intake, arguments, wire=wire)
        models = (answer.get("requested_model"), answer.get("model"))
        return Answer(answer.get("id"), bool(answer.get("is_new")), answer.get("error", {}), models)

    return order


@pytest.fixture
def broker(settings: Settings) -> Iterator[redis.Redis]:
    """The broker, empty, with no wake-up of an earlier test on its way."""
    with redis.Redis.from_url(settings.redis_url) as client:
        empty_broker(client, settings)
        yield client
