"""Whatever a stranger sends into any field of any door is answered, and no answer is a fault of ours."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import BaseModel
from redis import Redis

from api_gateway import create_app as create_gateway
from gateway.dialects import error_form
from gateway.problems import MEDIA_TYPE
from intake.orders import Intake
from intake.redis.arguments import GenerationArguments
from intake.redis.signatures import SignedArguments
from schemas.errors import RequestError
from schemas.settings import Settings
from stack.stack import Stack
from storage.database import Database
from tests.hostile import documents, hostile_texts, hostile_values
from tests.integration.gateway.serving import serving
from tests.integration.intake import fields
from tests.integration.intake.fields import REQUEST, BodyField, Parameter
from tests.integration.intake.raw_messages import Wire, answers, send, served, signed
from tests.support import NewCustomer, operator_key

pytestmark = pytest.mark.slow

RICH = 1_000_000

# Servers limit the length of an address and of a header.
LONGEST = 2000
REFUSED = {400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422}

many = hypothesis_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    """A customer who can pay for every value that is accepted."""
    return make_customer(RICH)


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A client of the gateway."""
    with serving(create_gateway(settings)) as client:
        yield client


@pytest.fixture
def headers(database: Database, customer: NewCustomer) -> dict[str, str]:
    """The headers of a caller whom every operation serves."""
    return {"X-API-Key": operator_key(database), "X-Customer-ID": str(customer.id)}


def assert_answered(answer: httpx.Response) -> None:
    """The answer is no fault of ours, and a refusal says something in the form of the path."""
    assert answer.status_code < 500, answer.text[:500]
    if answer.status_code >= 400:
        assert answer.status_code in REFUSED
        said = error_form(answer.request.url.path)(RequestError("anything"))
        assert answer.headers["content-type"] == said.headers["content-type"]
        assert answer.text
        if said.media_type == MEDIA_TYPE:
            assert answer.json()["detail"]
        assert len(answer.content) < 20_000


def order(gateway: httpx.Client, customer: NewCustomer, body: object) -> httpx.Response:
    headers = {**customer.headers, "Content-Type": "application/json"}
    # JSON escapes a lone surrogate, so any client can send one.
    return gateway.post("/v1/generations", content=json.dumps(body).encode(), headers=headers)


@pytest.mark.parametrize("field", fields.order_fields(), ids=str)
def test_every_field_of_an_order_over_http(gateway: httpx.Client, customer: NewCustomer, field: BodyField) -> None:
    for value in hostile_values():
        body = field.placed(value, REQUEST)
        if body is None:
            continue
        answer = order(gateway, customer, body)
        assert_answered(answer)
        if answer.status_code == 202:
            assert gateway.get(answer.headers["location"], headers=customer.headers).status_code == 200


@many
@given(field=st.sampled_from(fields.order_fields()), value=documents())
def test_any_document_in_any_field_of_an_order_over_http(
    gateway: httpx.Client, customer: NewCustomer, field: BodyField, value: object
) -> None:
    body = field.placed(value, REQUEST)
    if body is not None:
        assert_answered(order(gateway, customer, body))


@many
@given(body=documents())
def test_any_document_as_an_order_over_http(gateway: httpx.Client, customer: NewCustomer, body: object) -> None:
    assert_answered(order(gateway, customer, body))


@pytest.mark.parametrize("parameter", [one for one in fields.parameters() if one.place != "header"], ids=str)
def test_every_parameter_of_an_address(gateway: httpx.Client, headers: dict[str, str], parameter: Parameter) -> None:
    for value in hostile_texts():
        text = quote(value[:LONGEST].encode("utf-8", "surrogatepass"), safe="")
        values = {**fields.PATH_VALUES, **({parameter.name: text} if parameter.place == "path" else {})}
        query = f"?{parameter.name}={text}" if parameter.place == "query" else ""
        url = parameter.path.format(**values) + query
        assert_answered(gateway.request(parameter.method, url, headers=headers, content=b"{}"))


@pytest.mark.parametrize("parameter", [one for one in fields.parameters() if one.place == "header"], ids=str)
def test_every_header(gateway: httpx.Client, headers: dict[str, str], parameter: Parameter) -> None:
    url = parameter.path.format(**fields.PATH_VALUES)
    with closing(HTTPConnection(gateway.base_url.host, gateway.base_url.port, timeout=30)) as connection:
        for value in hostile_texts():
            text = value[:LONGEST].encode("utf-8", "surrogatepass")
            if b"\r" in text or b"\n" in text:
                continue  # the end of the header
            # Unlike httpx, this client sends control characters.
            connection.request(parameter.method, url, b"{}", {**headers, parameter.name: text})
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status < 500 or parameter.path == "/readyz", body
            assert body != b"" or parameter.method != "GET"


@pytest.mark.parametrize(("method", "path"), fields.bodies())
def test_every_body_of_the_gateway(gateway: httpx.Client, headers: dict[str, str], method: str, path: str) -> None:
    url = path.format(**fields.PATH_VALUES)
    texts = [value.encode("utf-8", "surrogatepass") for value in hostile_texts()]
    deep = [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 10_000, b"\x89PNG\r\n\x1a\n" + bytes(100)]
    for body in (*texts, *deep, *(json.dumps(value).encode() for value in hostile_values())):
        for content_type in ("application/json", "text/\xff"):
            given = {**headers, "Content-Type": content_type}
            encoded = {name.encode(): one.encode("latin-1") for name, one in given.items()}
            answer = gateway.request(method, url, headers=encoded, content=body)
            assert_answered(answer)


@pytest.mark.parametrize("field", [*fields.order_fields(), BodyField(("colour",))], ids=str)
def test_both_doors_refuse_with_the_same_words(
    gateway: httpx.Client, intake: Intake, customer: NewCustomer, field: BodyField
) -> None:
    if field.path == ("customer_id",):
        return  # over Redis, the customer stands beside the order
    for value in hostile_values():
        body = field.placed(value, REQUEST)
        if body is None:
            continue
        over_http = order(gateway, customer, body)
        # A message is JSON, as a body is.
        arguments = json.loads(json.dumps({"customer_id": str(customer.id), "request": body}))
        over_redis = served(intake, arguments)
        assert over_redis.get("error") == (over_http.json() if over_http.status_code >= 400 else None)


@pytest.mark.parametrize("wire", ["celery", "plain"])
@pytest.mark.parametrize(
    ("model", "operation"), [(GenerationArguments, "generation.get"), (SignedArguments, "generation.estimate")]
)
def test_every_argument_of_other_operations_and_of_signatures(
    intake: Intake, customer: NewCustomer, model: type[BaseModel], operation: str, wire: Wire
) -> None:
    right: dict[str, object] = {"customer_id": str(customer.id), "generation_id": str(uuid4())}
    if model is SignedArguments:
        right = signed(customer.api_key, operation, "one", {"request": REQUEST})
    for field in (*fields.message_fields(model), BodyField(("colour",))):
        for value in hostile_values():
            arguments = field.placed(value, right)
            if arguments is not None:
                answer = served(
                    intake, json.loads(json.dumps(arguments)), operation=operation, message_id="one", wire=wire
                )
                assert answer["error"]["status"] in REFUSED, f"{field}: {ascii(value)[:100]}: {answer}"
                assert answer["error"]["detail"]


@pytest.fixture(scope="module")
def door(services: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The worker of the Redis door, with the Redis of the run."""
    with Stack(tmp_path_factory.mktemp("door"), services.settings, only=("worker-requests",), sandbox=False) as stack:
        yield stack


@pytest.mark.timeout(600)
def test_every_field_of_a_message_over_redis(door: Stack, customer: NewCustomer) -> None:
    arguments = {"customer_id": str(customer.id), "request": dict(REQUEST), "idempotency_key": None}
    with Redis.from_url(door.settings.redis_url) as redis:
        sent: dict[str, tuple[BodyField, object]] = {}
        for field in (*fields.message_fields(), BodyField(("colour",)), BodyField(("\ud83d",))):
            for value in hostile_values():
                message = field.placed(value, arguments)
                if message is not None:
                    sent[send(redis, message)] = (field, value)
        for task_id, answer in answers(redis, sent):
            field, value = sent[task_id]
            assert is_answer(answer), f"{field}: {ascii(value)[:100]}: {answer}"


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b"{",
        b'[[], {"customer_id": %s}, {}]' % (b"1" * 5000),
        b'[[], {"request": %s}, {}]' % (b"[" * 100_000),
        b"null",
        b"[]",
        b"[[], [], {}]",
        b"[[], 5, {}]",
        b"[5, {}, {}]",
        b'[["a", "b"], {}, {}]',
        b"[[], {}]",
        b"[[], {}, 5]",
        b'"text"',
        b"{}",
        b"\x00",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_message_that_is_no_order_is_answered(door: Stack, body: bytes) -> None:
    with Redis.from_url(door.settings.redis_url) as redis:
        task_id = send(redis, body)
        ((_, answer),) = answers(redis, [task_id])

    assert is_answer(answer), answer
    assert answer["result"]["error"]["code"] in {"invalid_request", "bad_request"}


def is_answer(answer: dict[str, Any]) -> bool:
    """Whether a message has the documented answer: an accepted order, or a problem."""
    result = answer["result"]
    if answer["status"] != "SUCCESS" or not isinstance(result, dict):
        return False
    return bool(result.get("id")) or (result["error"]["status"] in REFUSED and bool(result["error"]["detail"]))
