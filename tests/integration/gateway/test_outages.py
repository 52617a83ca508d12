"""The gateway while one of its services is down or hangs."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import structlog
from pydantic import SecretStr

from api_gateway import create_app
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.serving import serving
from tests.media_files.images import png
from tests.support import NewCustomer, a_generation, eventually

NOBODY = "127.0.0.1:1"
REQUEST = {"model": "nano-banana", "prompt": "a lighthouse in fog"}


@pytest.fixture
def hanging() -> Iterator[str]:
    """A server that accepts connections and never answers, as a stopped process does."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def _with_redis(settings: Settings, address: str) -> Settings:
    return settings.model_copy(update={"redis_url": f"redis://{address}/0"})


def _expect_checks(client: httpx.Client, expected: tuple[int, str, dict[str, str]]) -> None:
    """Wait until the readiness is as expected. On a busy machine a service that is well may answer too late."""

    def read() -> tuple[int, str, dict[str, str]]:
        answer = client.get("/readyz")
        body = answer.json()
        return answer.status_code, body["status"], body["checks"]

    eventually(read, lambda found: found == expected)


def _expect_providers(client: httpx.Client, expected: dict[str, str]) -> None:
    eventually(lambda: client.get("/readyz").json()["providers"], lambda found: found == expected)


def test_readiness_with_all_services_up(gateway: httpx.Client) -> None:
    assert gateway.get("/healthz").json() == {"status": "ok"}
    _expect_checks(gateway, (200, "ready", {"database": "ok", "object_store": "ok", "redis": "ok"}))


def test_readiness_tells_the_state_of_each_account(gateway: httpx.Client, database: Database) -> None:
    def change(statement: str) -> None:
        with database.statement() as sql:
            sql.run(statement)

    _expect_providers(gateway, {"kie": "works"})
    change("INSERT INTO admission_accounts (provider, declared) VALUES ('kie', '{}'), ('gone', '{}')")
    _expect_providers(gateway, {"kie": "works"})
    change("INSERT INTO route_health (provider, vendor_model, opened_at) VALUES ('kie', 'm', clock_timestamp())")
    _expect_providers(gateway, {"kie": "failing"})
    change("UPDATE admission_accounts SET closed_reason = 'no_money'")
    _expect_providers(gateway, {"kie": "closed"})
    change("INSERT INTO admission_pauses (scope, name) VALUES ('provider', 'kie')")
    _expect_providers(gateway, {"kie": "paused"})
    _expect_checks(gateway, (200, "ready", {"database": "ok", "object_store": "ok", "redis": "ok"}))


@pytest.mark.parametrize("state", ["down", "hanging"])
def test_without_redis_requests_are_accepted(
    settings: Settings, customer: NewCustomer, hanging: str, state: str
) -> None:
    redis = hanging if state == "hanging" else NOBODY
    with serving(create_app(_with_redis(settings, redis))) as client:
        answer = client.post("/v1/generations", json=REQUEST, headers=customer.headers)

        assert answer.status_code == 202
        _expect_checks(client, (200, "degraded", {"database": "ok", "object_store": "ok", "redis": "error"}))


def test_a_hanging_redis_does_not_delay_requests(
    settings: Settings, make_customer: Callable[[int], NewCustomer], hanging: str
) -> None:
    customer = make_customer(1000)
    with serving(create_app(_with_redis(settings, hanging))) as client, structlog.testing.capture_logs() as lines:

        def order(_: int) -> int:
            return client.post("/v1/generations", json=REQUEST, headers=customer.headers).status_code

        with ThreadPoolExecutor(8) as threads:
            statuses = list(threads.map(order, range(8)))
        given_up = sum(line["count"] for line in lines if line["event"] == "wakes_not_sent")

    assert statuses == [202] * 8
    # All were answered before the last wake-up was given up.
    assert given_up < 8


@pytest.mark.parametrize("state", ["down", "hanging"])
def test_without_the_database_requests_are_answered_with_503(settings: Settings, hanging: str, state: str) -> None:
    database = hanging if state == "hanging" else NOBODY
    url = f"postgresql+psycopg://reelworks@{database}/reelworks"
    with serving(create_app(settings.model_copy(update={"database_url": url}))) as client:
        answer = client.get("/v1/credits", headers={"X-API-Key": f"rw_{'x' * 43}"})

        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "2"
        assert answer.json()["code"] == "unavailable"
        assert client.get("/healthz").status_code == 200
        _expect_checks(client, (503, "unavailable", {"database": "error", "object_store": "ok", "redis": "ok"}))


def test_without_the_object_store_redirects_work_and_streams_fail(
    settings: Settings, database: Database, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"a picture")
    update = {"endpoint": NOBODY, "public_endpoint": NOBODY, "secret_key": SecretStr("any")}
    s3 = settings.s3.model_copy(update=update)
    with serving(create_app(settings.model_copy(update={"s3": s3}))) as client:
        path = f"/v1/generations/{generation_id}/content"

        assert client.get(path, headers=customer.headers).status_code == 302
        streamed = client.get(path, params={"delivery": "stream"}, headers=customer.headers)
        assert (streamed.status_code, streamed.json()["code"]) == (503, "unavailable")
        # The database has all data for a HEAD.
        head = client.head(path, params={"delivery": "stream"}, headers=customer.headers)
        assert (head.status_code, head.headers["content-length"]) == (200, str(len(b"a picture")))
        _expect_checks(client, (503, "unavailable", {"database": "ok", "object_store": "error", "redis": "ok"}))


def test_without_the_object_store_uploads_are_answered_with_503(settings: Settings, customer: NewCustomer) -> None:
    s3 = settings.s3.model_copy(update={"endpoint": NOBODY})
    with serving(create_app(settings.model_copy(update={"s3": s3}))) as client:
        answer = client.post("/v1/uploads", content=png(64, 64), headers=customer.headers)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_an_object_store_that_refuses_us_is_unavailable(
    settings: Settings, database: Database, objects: ObjectStore, customer: NewCustomer
) -> None:
    generation_id = a_generation(database, settings, customer)
    complete(database, settings, objects, generation_id, b"a picture")
    s3 = settings.s3.model_copy(update={"secret_key": SecretStr("another")})
    with serving(create_app(settings.model_copy(update={"s3": s3}))) as client:
        path = f"/v1/generations/{generation_id}/content"

        answer = client.get(path, params={"delivery": "stream"}, headers=customer.headers)

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
