"""No answer quotes more than 200 characters of a text of a request, and no answer grows with a request."""

import json
import re
from collections.abc import Callable, Iterator

import httpx
import pytest

from api_gateway import create_app as create_gateway
from intake.orders import Intake
from schemas.settings import Settings
from tests.integration.gateway.serving import serving
from tests.integration.intake import fields
from tests.integration.intake.fields import REQUEST, BodyField, Parameter
from tests.integration.intake.raw_messages import served
from tests.support import NewCustomer

MOST = 200
MOST_ANSWERED = 10_000
# Most fields take the first text, and no field takes the second one.
TEXTS = ("nano-banana" + "-Q" * 90, "\u202e" * 10_000 + "Q" * 30_000)


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    return make_customer(1_000_000)


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    with serving(create_gateway(settings)) as client:
        yield client


def assert_short(answer: str) -> None:
    """The answer quotes no more of a text than allowed, whether the text is shown as it is or escaped."""
    quoted = re.findall(r"(?:Q[ -]?|\\{1,2}u202e)+", answer)
    assert all(len(text) <= MOST for text in quoted), answer[:2000]
    assert len(answer) <= MOST_ANSWERED


def values() -> Iterator[object]:
    for text in TEXTS:
        yield from (text, [text], {text: text}, {"key": {text: text}}, [f"http://{text}"])
    yield int("9" * 300)


def _id(field: BodyField) -> str:
    return ascii(str(field))[:40]


def post(gateway: httpx.Client, customer: NewCustomer, body: object) -> httpx.Response:
    headers = {**customer.headers, "Content-Type": "application/json"}
    return gateway.post("/v1/generations", content=json.dumps(body).encode(), headers=headers)


@pytest.mark.parametrize("field", [*fields.order_fields(), *(BodyField((text,)) for text in TEXTS)], ids=_id)
def test_refusal_of_any_field_quotes_little_at_both_doors(
    gateway: httpx.Client, intake: Intake, customer: NewCustomer, field: BodyField
) -> None:
    for value in values():
        body = field.placed(value, REQUEST)
        if body is None:
            continue
        answer = post(gateway, customer, body)
        if answer.status_code >= 400:
            assert_short(answer.text)
        message = served(intake, {"customer_id": str(customer.id), "request": body})
        assert_short(json.dumps({**message, "requested_model": None}, ensure_ascii=False))


@pytest.mark.slow
@pytest.mark.parametrize("field", [*fields.message_fields(), *(BodyField((text,)) for text in TEXTS)], ids=_id)
def test_refusal_of_any_argument_of_a_message_quotes_little(
    intake: Intake, customer: NewCustomer, field: BodyField
) -> None:
    arguments = {"customer_id": str(customer.id), "request": dict(REQUEST), "idempotency_key": None}
    for value in values():
        message = field.placed(value, arguments)
        if message is not None:
            answer = served(intake, message)
            assert_short(json.dumps({**answer, "requested_model": None}, ensure_ascii=False))


@pytest.mark.slow
@pytest.mark.parametrize("parameter", fields.parameters(), ids=str)
def test_refusal_of_any_parameter_quotes_little(
    gateway: httpx.Client, customer: NewCustomer, parameter: Parameter
) -> None:
    for cut in ("Q" * 150, "Q" * 2000):
        in_path, in_query = parameter.place == "path", parameter.place == "query"
        url = parameter.path.format(**{**fields.PATH_VALUES, **({parameter.name: cut} if in_path else {})})
        headers = {**customer.headers, **({parameter.name: cut} if parameter.place == "header" else {})}
        query = {parameter.name: cut} if in_query else None
        answer = gateway.request(parameter.method, url, headers=headers, params=query, content=b"{}")
        if answer.status_code >= 400:
            assert_short(answer.text)
        assert_short(str(dict(answer.headers)))


@pytest.mark.parametrize("where", ["request", "metadata"])
def test_answer_to_thousands_of_errors_names_twenty_and_counts_the_others(
    gateway: httpx.Client, intake: Intake, customer: NewCustomer, where: str
) -> None:
    many = {f"{number}{'Q' * 60}": 1 for number in range(9_000)}
    wrong = {**REQUEST, **many} if where == "request" else {**REQUEST, "metadata": many}
    answer = post(gateway, customer, wrong)
    message = served(intake, {"customer_id": str(customer.id), "request": wrong})
    problem = answer.json()
    assert message == {"error": problem}
    assert len(problem["errors"]) == 20
    assert problem["detail"].endswith("; and 8980 more") or problem["errors"][0]["field"] == "metadata"
    assert len(answer.content) <= MOST_ANSWERED
