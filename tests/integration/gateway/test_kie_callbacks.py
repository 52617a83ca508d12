"""`POST /api/kie-callback` and `/api/kie-video-callback`, as the earlier services gave these URLs to Kie."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx
import pytest
import redis
from pydantic import SecretStr

from api_gateway import create_app
from gateway.seeds import kie_callbacks
from schemas.callback_token import node_callback_url, sign
from schemas.enums import ErrorCode, Kind, Queue, Stage
from schemas.errors import Unavailable
from schemas.setting_groups import ProviderSettings
from schemas.settings import Settings
from storage import transitions
from storage.changes import Changes
from storage.database import Database
from storage.sql import of
from tests.integration.gateway.finishing import claim, fail
from tests.integration.gateway.serving import logged, request_logs, serving
from tests.integration.gateway.test_callbacks import receipts, signed
from tests.support import NewCustomer, a_generation, an_order, eventually

TASK = "task_abc123"
IMAGES, VIDEOS = "/api/kie-callback", "/api/kie-video-callback"
RESULT = json.dumps({"resultUrls": ["https://kie-cdn.com/video.mp4"]})
SUCCESS: dict[str, object] = {
    "code": 200,
    "data": {"taskId": TASK, "state": "success", "resultJson": RESULT, "consumeCredits": 100, "costTime": 45000},
}
FAILURE: dict[str, object] = {
    "code": 501,
    "msg": "Playground task failed.",
    "data": {
        "taskId": TASK,
        "state": "fail",
        "failCode": "500",
        "failMsg": "Internal server error",
        "resultJson": None,
    },
}


@dataclass(frozen=True)
class Node:
    """A generation with a reference that waits for Kie's callback."""

    generation_id: UUID
    path: str
    query: Mapping[str, str]
    """The query of the URL that we give to Kie."""

    @property
    def printed(self) -> dict[str, str]:
        """The query as the earlier services print the URL: the node alone."""
        return dict(list(self.query.items())[:1])


@pytest.fixture(params=Kind)
def node(request: pytest.FixtureRequest, database: Database, settings: Settings, customer: NewCustomer) -> Node:
    return a_node(database, settings, customer, request.param)


def a_node(database: Database, settings: Settings, customer: NewCustomer, kind: Kind, task: str = TASK) -> Node:
    """A generation of node k123, as the pipeline leaves it after the create."""
    order = an_order().model_copy(update={"kind": kind, "reference": "k123"})
    generation_id = a_generation(database, settings, customer, order)
    held = claim(database, settings, generation_id)
    with database.transaction() as session:
        held = transitions.move(of(session), held, Stage.SUBMITTING, wake_in=0, keeps_lease=True)
        transitions.move(of(session), held, Stage.GENERATING, wake_in=60, changes=Changes(remote_id=task))
    secret = settings.secret_key.get_secret_value()
    url = httpx.URL(node_callback_url("http://gw.example", secret, "kie", generation_id, kind=kind, reference="k123"))
    return Node(generation_id, url.path, dict(url.params))


def post(
    gateway: httpx.Client, settings: Settings, node: Node, body: Mapping[str, object], **query: str
) -> tuple[int, str]:
    """The answer to a callback that Kie has signed. `query` replaces parameters; an empty one is left out."""
    params = {name: value for name, value in {**node.query, **query}.items() if value}
    answer = gateway.post(node.path, params=params, content=json.dumps(body), headers=signed(settings, TASK))
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.status_code, answer.text


@pytest.mark.parametrize(("body", "said"), [(SUCCESS, "Success"), (FAILURE, "Failure recorded")])
def test_a_callback_is_recorded_and_wakes_the_generation(
    gateway: httpx.Client,
    database: Database,
    settings: Settings,
    node: Node,
    broker: redis.Redis,
    body: dict[str, object],
    said: str,
) -> None:
    assert post(gateway, settings, node, body) == (200, said)

    (receipt,) = receipts(database)
    assert (receipt.generation_id, receipt.remote_id, json.loads(receipt.body)) == (node.generation_id, TASK, body)
    eventually(lambda: broker.llen(Queue.DOWNLOAD.value), lambda length: length == 1)


def test_the_printed_url_counts_with_kies_signature(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, node: Node
) -> None:
    kind = Kind.IMAGE if node.path == IMAGES else Kind.VIDEO
    a_node(database, settings, customer, kind, task="another task of the same node")

    answer = gateway.post(node.path, params=node.printed, content=json.dumps(SUCCESS), headers=signed(settings, TASK))

    assert (answer.status_code, answer.text) == (200, "Success")
    (receipt,) = receipts(database)
    assert receipt.generation_id == node.generation_id


def test_our_token_counts_where_kie_signs_nothing(
    settings: Settings, database: Database, customer: NewCustomer
) -> None:
    node = a_node(database, settings, customer, Kind.VIDEO)
    unsigned = settings.providers.with_accounts(kie=ProviderSettings(api_key=SecretStr("key")))
    with serving(create_app(settings.model_copy(update={"providers": unsigned}))) as gateway:
        by_token = gateway.post(node.path, params=node.query, json=SUCCESS)
        without = gateway.post(node.path, params=node.printed, json=SUCCESS)

    assert (by_token.status_code, by_token.text, without.status_code) == (200, "Success", 401)
    (receipt,) = receipts(database)
    assert receipt.generation_id == node.generation_id


@pytest.mark.parametrize("headers", [{}, {"X-Webhook-Timestamp": "1", "X-Webhook-Signature": "x"}])
def test_a_callback_that_is_neither_signed_nor_has_a_token_stores_nothing(
    gateway: httpx.Client, database: Database, node: Node, headers: dict[str, str]
) -> None:
    answer = gateway.post(node.path, params=node.printed, json=SUCCESS, headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (401, "text/plain; charset=utf-8")
    assert receipts(database) == []


@pytest.mark.parametrize(("path", "parameter"), [(IMAGES, "imageNodeId"), (VIDEOS, "videoNodeId")])
@pytest.mark.parametrize("query", ["", "?node=k123", "?{}="])
def test_a_callback_without_a_node_is_refused(gateway: httpx.Client, path: str, parameter: str, query: str) -> None:
    answer = gateway.post(path + query.format(parameter), json=SUCCESS)

    assert (answer.status_code, answer.text) == (400, f"Missing {parameter} parameter")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"state": "success"}, "Missing {} URL in response"),
        ({"state": "success", "resultJson": '{"resultUrls": []}'}, "Missing {} URL in response"),
        ({"state": "waiting"}, "Unknown state"),
        ({}, "Unknown state"),
    ],
)
def test_a_body_without_an_outcome_is_refused_after_it_is_recorded(
    gateway: httpx.Client, database: Database, settings: Settings, node: Node, data: dict[str, object], said: str
) -> None:
    kind = "image" if node.path == IMAGES else "video"

    answer = post(gateway, settings, node, {"code": 200, "data": {"taskId": TASK, **data}})

    assert answer == (400, said.format(kind))
    (receipt,) = receipts(database)
    assert receipt.generation_id == node.generation_id


def test_a_token_of_a_deleted_generation_is_answered_so_that_kie_stops(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, node: Node
) -> None:
    fail(database, settings, node.generation_id, ErrorCode.TIMEOUT, "late")
    deleted = gateway.delete(f"/v1/generations/{node.generation_id}", headers=customer.headers)
    assert deleted.status_code == 204, deleted.text

    assert post(gateway, settings, node, SUCCESS) == (200, "Success")
    assert receipts(database) == []


def test_an_unknown_node_and_a_node_of_another_generation_are_a_404(
    gateway: httpx.Client, database: Database, settings: Settings, customer: NewCustomer, node: Node
) -> None:
    (parameter,) = node.printed
    other = str(a_generation(database, settings, customer))
    token = sign(settings.secret_key.get_secret_value(), UUID(other))
    of_other = {"generation": other, "t": token}
    foreign = ({parameter: "k124"}, {parameter: "k124", "generation": "", "t": ""}, of_other)

    for query in foreign:
        assert post(gateway, settings, node, SUCCESS, **query) == (404, f"Unknown {parameter}")
    wrong_kind = {IMAGES: VIDEOS, VIDEOS: IMAGES}[node.path]
    name = {"imageNodeId": "videoNodeId", "videoNodeId": "imageNodeId"}[parameter]
    moved = Node(node.generation_id, wrong_kind, {name: "k123", **dict(list(node.query.items())[1:])})
    assert post(gateway, settings, moved, SUCCESS) == (404, f"Unknown {name}")
    assert receipts(database) == []


@pytest.mark.parametrize("query", [{"t": "wrong"}, {"t": ""}, {"generation": str(uuid4())}])
def test_a_wrong_token_stores_nothing(
    gateway: httpx.Client, database: Database, settings: Settings, node: Node, query: dict[str, str]
) -> None:
    status, _ = post(gateway, settings, node, SUCCESS, **query)

    assert status == 401
    assert receipts(database) == []


@pytest.mark.parametrize("query", [{"provider": "nobody"}, {"provider": "kling"}])
def test_an_account_that_is_not_kies_is_a_404(
    gateway: httpx.Client, settings: Settings, node: Node, query: dict[str, str]
) -> None:
    assert post(gateway, settings, node, SUCCESS, **query)[0] == 404


def test_a_wrong_id_is_a_400_and_a_large_body_a_413(gateway: httpx.Client, settings: Settings, node: Node) -> None:
    assert post(gateway, settings, node, SUCCESS, generation="7")[0] == 400
    assert post(gateway, settings, node, {**SUCCESS, "more": "x" * 1024 * 1024})[0] == 413


def test_an_error_of_ours_is_a_500_so_that_kie_sends_the_callback_again(
    gateway: httpx.Client, settings: Settings, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(kie_callbacks, "record", away)
    assert post(gateway, settings, node, SUCCESS) == (500, "Webhook processing error: the database does not answer")

    async def broken(*_: object) -> None:
        raise KeyError("a secret")

    monkeypatch.setattr(kie_callbacks, "record", broken)
    status, text = post(gateway, settings, node, SUCCESS)
    assert (status, text.partition(": ")[0]) == (500, "Webhook processing error")
    assert "a secret" not in text


def test_the_log_has_neither_the_token_nor_the_task(gateway: httpx.Client, settings: Settings, node: Node) -> None:
    with request_logs() as lines:
        given = {"X-Request-ID": "callback-1", **signed(settings, TASK)}
        gateway.post(node.path, params=node.query, content=json.dumps(SUCCESS), headers=given)
        *_, line = logged(lines, "callback-1")

    assert line["path"] == node.path
    for secret in (node.query["t"], TASK):
        assert secret not in str(lines)
