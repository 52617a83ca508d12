import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import pytest
import redis
import structlog
from sqlmodel import select

from schemas.callback_token import sign
from schemas.enums import Queue, Stage
from schemas.settings import Settings
from schemas.tables import CallbackReceipt, Generation
from storage import transitions
from storage.changes import Changes
from storage.database import Database
from storage.sql import of
from tests.integration.gateway.finishing import claim
from tests.integration.gateway.serving import logged, request_logs
from tests.support import NewCustomer, a_generation, eventually

TASK = "kie-task-1"
BODY = json.dumps({"code": 200, "msg": "success", "data": {"taskId": TASK, "state": "success"}}).encode()


@dataclass(frozen=True)
class Waiting:
    """A generation that waits for its callback."""

    id: UUID
    path: str
    token: str


@pytest.fixture
def waiting(database: Database, settings: Settings, customer: NewCustomer) -> Waiting:
    generation_id = a_generation(database, settings, customer)
    held = claim(database, settings, generation_id)
    with database.transaction() as session:
        held = transitions.move(of(session), held, Stage.SUBMITTING, wake_in=0, keeps_lease=True)
        transitions.move(of(session), held, Stage.GENERATING, wake_in=60, changes=Changes(remote_id=TASK))
    token = sign(settings.secret_key.get_secret_value(), generation_id)
    return Waiting(generation_id, f"/callbacks/kie/{generation_id}", token)


def signed(settings: Settings, task: str = TASK) -> dict[str, str]:
    timestamp = str(int(time.time()))
    key = settings.providers.named("kie").webhook_key.get_secret_value().encode()
    digest = hmac.new(key, f"{task}.{timestamp}".encode(), hashlib.sha256).digest()
    return {
        "X-Webhook-Timestamp": timestamp,
        "X-Webhook-Signature": base64.b64encode(digest).decode(),
        "Content-Type": "application/json",
    }


def receipts(database: Database) -> list[CallbackReceipt]:
    with database.transaction() as session:
        return list(session.exec(select(CallbackReceipt)).all())


def _generation(database: Database, generation_id: UUID) -> Generation:
    with database.transaction() as session:
        return session.exec(select(Generation).where(Generation.id == generation_id)).one()


def test_a_callback_is_stored_and_wakes_a_download_worker(
    gateway: httpx.Client, database: Database, settings: Settings, waiting: Waiting, broker: redis.Redis
) -> None:
    answer = gateway.post(waiting.path, params={"t": waiting.token}, content=BODY, headers=signed(settings))

    assert answer.status_code == 200
    assert answer.json() == {"code": 200, "msg": "success"}
    [receipt] = receipts(database)
    assert (receipt.generation_id, receipt.remote_id, receipt.body) == (waiting.id, TASK, BODY)
    assert _generation(database, waiting.id).callback_at is not None
    eventually(lambda: broker.llen(Queue.DOWNLOAD.value), lambda length: length == 1)
    [message] = broker.lrange(Queue.DOWNLOAD.value, 0, -1)
    assert json.loads(message)["headers"]["id"] == f"{waiting.id}.generating.2"


def test_a_repeated_callback_is_stored_once(
    gateway: httpx.Client, database: Database, settings: Settings, waiting: Waiting
) -> None:
    for _ in range(3):
        answer = gateway.post(waiting.path, params={"t": waiting.token}, content=BODY, headers=signed(settings))
        assert answer.status_code == 200

    [receipt] = receipts(database)
    assert receipt.deliveries == 3


@pytest.mark.parametrize("token", [None, "", "wrong", "é", sign("another secret", UUID(int=1))])
def test_a_wrong_token_stores_nothing(
    gateway: httpx.Client, database: Database, settings: Settings, waiting: Waiting, token: str | None
) -> None:
    params = {} if token is None else {"t": token}

    answer = gateway.post(waiting.path, params=params, content=BODY, headers=signed(settings))

    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert receipts(database) == []
    assert _generation(database, waiting.id).callback_at is None


def test_the_token_of_another_generation_is_refused(
    gateway: httpx.Client, database: Database, settings: Settings, waiting: Waiting
) -> None:
    path = f"/callbacks/kie/{uuid4()}"

    answer = gateway.post(path, params={"t": waiting.token}, content=BODY, headers=signed(settings))

    assert answer.status_code == 401
    assert receipts(database) == []


def test_a_forged_signature_stores_nothing_and_is_logged_without_secrets(
    gateway: httpx.Client, database: Database, settings: Settings, waiting: Waiting
) -> None:
    headers = signed(settings) | {"X-Webhook-Signature": base64.b64encode(b"forged" * 6).decode()}

    with structlog.testing.capture_logs() as lines:
        answer = gateway.post(waiting.path, params={"t": waiting.token}, content=BODY, headers=headers)

    assert answer.status_code == 401
    assert receipts(database) == []
    [refused] = [line for line in lines if line["event"] == "callback_refused"]
    assert (refused["log_level"], refused["provider"]) == ("warning", "kie")
    assert refused["generation_id"] == str(waiting.id)
    for secret in (waiting.token, TASK):
        assert secret not in str(lines)


def test_an_unreadable_body_stores_nothing(
    gateway: httpx.Client, database: Database, settings: Settings, waiting: Waiting
) -> None:
    answer = gateway.post(waiting.path, params={"t": waiting.token}, content=b"\x00\xff", headers=signed(settings))

    assert answer.status_code == 401
    assert receipts(database) == []


def test_a_callback_of_an_unknown_generation_is_answered_and_not_stored(
    gateway: httpx.Client, database: Database, settings: Settings
) -> None:
    generation_id = uuid4()
    token = sign(settings.secret_key.get_secret_value(), generation_id)

    answer = gateway.post(
        f"/callbacks/kie/{generation_id}", params={"t": token}, content=BODY, headers=signed(settings)
    )

    assert (answer.status_code, answer.json()) == (200, {"code": 200, "msg": "success"})
    assert receipts(database) == []


def test_an_unknown_provider_is_answered_with_404(gateway: httpx.Client, settings: Settings, waiting: Waiting) -> None:
    path = waiting.path.replace("kie", "nobody")

    answer = gateway.post(path, params={"t": waiting.token}, content=BODY, headers=signed(settings))

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_body_that_is_too_large_is_refused(
    gateway: httpx.Client, database: Database, settings: Settings, waiting: Waiting
) -> None:
    body = BODY + b" " * (1024 * 1024)

    answer = gateway.post(waiting.path, params={"t": waiting.token}, content=body, headers=signed(settings))

    assert (answer.status_code, answer.json()["code"]) == (413, "content_too_large")
    assert receipts(database) == []


def test_the_request_log_does_not_contain_the_token(
    gateway: httpx.Client, settings: Settings, waiting: Waiting
) -> None:
    with request_logs() as lines:
        answer = gateway.post(waiting.path, params={"t": waiting.token}, content=BODY, headers=signed(settings))
        *_, line = logged(lines, answer.headers["x-request-id"])

    assert (line["method"], line["path"], line["status"]) == ("POST", waiting.path, 200)
    assert waiting.token not in str(lines)
