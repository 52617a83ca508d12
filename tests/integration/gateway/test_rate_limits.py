"""How many requests an API key may send."""

from collections.abc import Callable, Iterator
from itertools import takewhile

import httpx
import pytest
import redis
import structlog
from sqlalchemy import text
from sqlmodel import select

from api_gateway import create_app
from schemas.customer_tables import ApiKey
from schemas.setting_groups import RateLimitSettings
from schemas.settings import Settings
from stack.ports import free_port
from storage import customers
from storage.api_keys import Owner, Terms
from storage.database import Database
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer, operator_key

READS, WRITES = 5, 2
LIMITS = RateLimitSettings(reads_per_minute=READS, writes_per_minute=WRITES)


@pytest.fixture(scope="module", autouse=True)
def _patient() -> Iterator[None]:
    """A busy machine has time to count a request."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.rate_limits._TIMEOUT_SECONDS", 60)
        yield


@pytest.fixture(scope="module")
def gateway(settings: Settings, _patient: None) -> Iterator[httpx.Client]:
    """A gateway with limits."""
    with serving(create_app(settings.model_copy(update={"rate_limits": LIMITS}))) as client:
        yield client


@pytest.fixture(autouse=True)
def _empty(broker: redis.Redis) -> None:
    """No counts of earlier tests."""


def _read(gateway: httpx.Client, customer: NewCustomer) -> httpx.Response:
    return gateway.get("/v1/credits", headers=customer.headers)


def test_each_answer_tells_what_is_left(gateway: httpx.Client, customer: NewCustomer) -> None:
    answers = [_read(gateway, customer) for _ in range(2)]

    assert [answer.headers["ratelimit-policy"] for answer in answers] == [f'"reads";q={READS};w=60'] * 2
    left = [answer.headers["ratelimit"] for answer in answers]
    assert [text.partition(";t=")[0] for text in left] == ['"reads";r=4', '"reads";r=3']
    assert all(1 <= int(text.partition(";t=")[2]) <= 60 for text in left)


def test_beyond_the_limit_the_answer_says_when_to_come_back(gateway: httpx.Client, customer: NewCustomer) -> None:
    assert {_read(gateway, customer).status_code for _ in range(READS)} == {200}

    answer = _read(gateway, customer)

    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit"].startswith('"reads";r=0')
    assert answer.json()["retry_after"] == int(answer.headers["retry-after"])
    assert answer.json()["detail"].startswith(f"this API key may send {READS} reads in a minute")


def test_reads_and_writes_count_apart(gateway: httpx.Client, customer: NewCustomer) -> None:
    unknown = "/v1/generations/3e41a28d-5bf9-40ce-a038-dc975dda27ad/cancel"
    answers = [gateway.post(unknown, headers=customer.headers) for _ in range(WRITES + 1)]

    assert [answer.status_code for answer in answers] == [404, 404, 429]
    # An error tells the limit, too.
    assert answers[0].headers["ratelimit-policy"] == f'"writes";q={WRITES};w=60'
    assert _read(gateway, customer).status_code == 200


def test_request_beyond_the_limit_makes_no_customer(gateway: httpx.Client, database: Database) -> None:
    with database.transaction() as session:
        service = Owner(service_id=customers.create_service(session, "web shop").id)
        key = customers.create_key_of(session, service, Terms(makes_customers=True)).material
    order = {"model": "nano-banana", "prompt": "a lighthouse"}

    def answer(named: str) -> int:
        headers = {"X-API-Key": key, "X-Customer-ID": named}
        return gateway.post("/v1/generations", json=order, headers=headers).status_code

    assert [answer(str(number)) for number in range(WRITES + 1)] == [402, 402, 429]
    with database.transaction() as session:
        made = session.execute(text("SELECT reference FROM customers ORDER BY reference")).scalars()
        assert list(made) == ["0", "1"]


def test_request_for_an_unknown_customer_counts(gateway: httpx.Client, database: Database) -> None:
    headers = {"X-API-Key": operator_key(database), "X-Customer-ID": "unknown"}
    answers = [gateway.get("/v1/credits", headers=headers).status_code for _ in range(READS + 1)]

    assert answers == [404] * READS + [429]


def test_limit_of_a_request_takes_one_round_trip(
    gateway: httpx.Client, customer: NewCustomer, database: Database, broker: redis.Redis
) -> None:
    with database.transaction() as session:
        key_id = session.exec(select(ApiKey.id).where(ApiKey.customer_id == customer.id)).one()
    # The first request loads the script.
    _read(gateway, customer)
    with broker.monitor() as monitor:  # type: ignore[no-untyped-call]
        _read(gateway, customer)
        broker.echo("the end")
        commands = list(takewhile(lambda each: each["command"] != "ECHO the end", monitor.listen()))
    # Tests beside use the server, too. A script's own commands take no round trip.
    sent = [each["command"] for each in commands if key_id.hex in each["command"] and each["client_type"] != "lua"]
    assert [command.split()[0] for command in sent] == ["EVALSHA"]


def test_head_is_a_read(gateway: httpx.Client, customer: NewCustomer) -> None:
    answer = gateway.head("/v1/credits", headers=customer.headers)

    assert answer.headers["ratelimit"].startswith('"reads";r=4')


def test_each_key_has_its_own_limit(
    gateway: httpx.Client, customer: NewCustomer, make_customer: Callable[[int], NewCustomer]
) -> None:
    for _ in range(READS + 1):
        last = _read(gateway, customer)

    assert last.status_code == 429
    assert _read(gateway, make_customer(0)).status_code == 200


def test_all_gateways_share_the_counts(gateway: httpx.Client, settings: Settings, customer: NewCustomer) -> None:
    for _ in range(READS):
        _read(gateway, customer)

    with serving(create_app(settings.model_copy(update={"rate_limits": LIMITS}))) as another:
        assert _read(another, customer).status_code == 429


def test_without_redis_every_request_is_served_and_one_line_says_so(settings: Settings, customer: NewCustomer) -> None:
    away = {"rate_limits": LIMITS, "redis_url": f"redis://127.0.0.1:{free_port()}/0"}
    with serving(create_app(settings.model_copy(update=away))) as gateway, structlog.testing.capture_logs() as lines:
        answers = [_read(gateway, customer) for _ in range(READS + 2)]

    assert {answer.status_code for answer in answers} == {200}
    assert [line["event"] for line in lines].count("rate_limits_not_applied") == 1


def test_without_limits_no_header_speaks_of_them(settings: Settings, customer: NewCustomer) -> None:
    with serving(create_app(settings)) as gateway:
        answer = _read(gateway, customer)

    assert "ratelimit" not in answer.headers
