"""`callback_url` at every door: an endpoint for each customer and URL, which hears the generations that name it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import httpx
import pytest
from sqlmodel import col, select

from api_gateway import create_app
from schemas.errors import InvalidRequest
from schemas.settings import Settings
from schemas.webhook_tables import WebhookDelivery, WebhookEndpoint, WebhookGeneration
from schemas.webhooks import USUAL_TYPES
from storage.database import Database
from storage.webhooks import callback_urls
from tests.integration.gateway.serving import serving
from tests.integration.intake.conftest import Door
from tests.integration.intake.test_doors import REQUEST
from tests.support import NewCustomer, a_generation, an_order

URL = "https://shop.example/hooks"


@pytest.fixture(params=["http", "over_redis"])
def door(request: pytest.FixtureRequest) -> Door:
    """Each door in turn."""
    opened: Door = request.getfixturevalue(request.param)
    return opened


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A client of the gateway, without an API key."""
    with serving(create_app(settings)) as client:
        yield client


@pytest.fixture
def customer(make_customer: Callable[[int], NewCustomer]) -> NewCustomer:
    """A customer with 100 credits."""
    return make_customer(100)


def _endpoints(database: Database) -> Sequence[WebhookEndpoint]:
    with database.transaction() as session:
        return session.exec(select(WebhookEndpoint).order_by(col(WebhookEndpoint.url))).all()


def _links(database: Database) -> dict[UUID, UUID]:
    with database.transaction() as session:
        return {row.generation_id: row.endpoint_id for row in session.exec(select(WebhookGeneration))}


def test_orders_with_one_url_share_an_endpoint(door: Door, database: Database, customer: NewCustomer) -> None:
    ids = [UUID(door(customer, {**REQUEST, "callback_url": URL}, None).id or "") for _ in range(2)]
    other = UUID(door(customer, REQUEST, None).id or "")

    (endpoint,) = _endpoints(database)
    assert (endpoint.customer_id, endpoint.url, endpoint.is_implicit) == (customer.id, URL, True)
    assert endpoint.types == list(USUAL_TYPES)
    assert endpoint.secret.startswith("whsec_")
    assert _links(database) == dict.fromkeys(ids, endpoint.id)
    assert other not in _links(database)


def test_each_customer_has_an_endpoint_apart(
    door: Door, database: Database, customer: NewCustomer, make_customer: Callable[[int], NewCustomer]
) -> None:
    other = make_customer(100)
    for each in (customer, other):
        door(each, {**REQUEST, "callback_url": URL}, None)

    found = _endpoints(database)
    assert {endpoint.customer_id for endpoint in found} == {customer.id, other.id}
    assert len({endpoint.secret for endpoint in found}) == 2


def test_repeated_order_has_one_link(door: Door, database: Database, customer: NewCustomer) -> None:
    answers = [door(customer, {**REQUEST, "callback_url": URL}, "order-1") for _ in range(2)]

    assert [answer.is_new for answer in answers] == [True, False]
    assert len(_links(database)) == 1


def test_refused_order_makes_no_endpoint(
    door: Door, database: Database, make_customer: Callable[[int], NewCustomer]
) -> None:
    assert door(make_customer(0), {**REQUEST, "callback_url": URL}, None).problem["code"] == "insufficient_credits"
    assert _endpoints(database) == []


def test_callback_url_is_shown_and_kept_by_a_retry(
    http: Door, gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    generation_id = http(customer, {**REQUEST, "callback_url": URL}, None).id
    path = f"/v1/generations/{generation_id}"
    assert gateway.get(path, headers=customer.headers).json()["callback_url"] == URL
    gateway.post(f"{path}/cancel", headers=customer.headers).raise_for_status()
    again = gateway.post(f"{path}/retry", headers=customer.headers).raise_for_status().json()

    assert again["callback_url"] == URL
    (endpoint,) = _endpoints(database)
    assert UUID(again["id"]) in _links(database)
    with database.transaction() as session:
        told = [(row.endpoint_id, str(row.generation_id), row.type) for row in session.exec(select(WebhookDelivery))]
    assert told == [(endpoint.id, generation_id, "generation.cancelled")]


def test_batch_may_name_a_url_for_each_request(
    gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    urls = [URL, None, "https://shop.example/a", URL]
    requests = [{**REQUEST, "callback_url": url} for url in urls]
    gateway.post("/v1/batches", json={"requests": requests}, headers=customer.headers).raise_for_status()

    assert [endpoint.url for endpoint in _endpoints(database)] == ["https://shop.example/a", URL]
    assert len(_links(database)) == 3


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/openai/v1/videos", {"prompt": "a boat", "model": "kling-2.6-text-to-video"}, "callback_url"),
        ("/video/generate", {"prompt": "a boat", "settings": {"video": {"model": "kling-2.6"}}}, "callback_url"),
        ("/image/generate", {"prompt": "a boat", "settings": {"image": {"model": "nano-banana"}}}, "callback_url"),
        ("/api/video/generate", {"prompt": "a paper boat on a rainy street"}, "callbackUrl"),
    ],
)
def test_other_dialects_take_the_url(
    gateway: httpx.Client, database: Database, make_customer: Callable[[int], NewCustomer], path: str,
    body: dict[str, object], field: str,
) -> None:  # fmt: skip
    customer = make_customer(10_000)
    refused = gateway.post(path, json={**body, field: "https://10.0.0.1/"}, headers=customer.headers)
    assert refused.status_code in {400, 422}
    assert field in refused.text
    assert "public host" in refused.text
    answer = gateway.post(path, json={**body, field: URL}, headers=customer.headers)

    assert answer.is_success, answer.text
    assert [endpoint.url for endpoint in _endpoints(database)] == [URL]
    assert len(_links(database)) == 1


def test_url_beyond_the_limit_is_refused_and_known_ones_go_on(
    database: Database, settings: Settings, customer: NewCustomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback_urls, "MOST", 1)

    def order(url: str) -> UUID:
        return a_generation(database, settings, customer, an_order().model_copy(update={"callback_url": url}))

    order(URL)
    with pytest.raises(InvalidRequest, match="is one too many"):
        order(f"{URL}?order=2")
    order(URL)
    assert [endpoint.url for endpoint in _endpoints(database)] == [URL]


def test_orders_at_the_same_time_make_one_endpoint(
    database: Database, settings: Settings, customer: NewCustomer
) -> None:
    order = an_order(price=1).model_copy(update={"callback_url": URL})
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: a_generation(database, settings, customer, order), range(24)))

    (endpoint,) = _endpoints(database)
    assert _links(database) == dict.fromkeys(ids, endpoint.id)


def test_deleted_endpoint_of_a_url_is_made_again_by_the_next_order(
    http: Door, gateway: httpx.Client, database: Database, customer: NewCustomer
) -> None:
    http(customer, {**REQUEST, "callback_url": URL}, None)
    (first,) = _endpoints(database)
    gateway.delete(f"/v1/webhooks/endpoints/{first.id}", headers=customer.headers).raise_for_status()
    http(customer, {**REQUEST, "callback_url": URL}, None)

    gone, made = _endpoints(database)
    assert (gone.url, made.url) == ("", URL)
    assert made.secret != first.secret
