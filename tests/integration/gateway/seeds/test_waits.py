"""The places for orders that wait at `/video` and `/image`."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api_gateway import create_app
from schemas.setting_groups import SeedSettings, StreamSettings
from schemas.settings import Settings
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete
from tests.integration.gateway.seeds.orders import BODY, PRICE, accepted
from tests.integration.gateway.serving import serving

ORDER = {"prompt": "a boat"}


@pytest.fixture
def limited(settings: Settings) -> Settings:
    """A gateway with one place of each sort for a customer."""
    streams = StreamSettings(each_customer=1, orders_each_customer=1)
    return settings.model_copy(update={"seeds": SeedSettings(longest_wait_seconds=60), "streams": streams})


def test_orders_wait_without_a_place_of_the_event_streams(
    limited: Settings, database: Database, objects: ObjectStore, make_customer: Any, helper: ThreadPoolExecutor
) -> None:
    customer = make_customer(PRICE)
    app = create_app(limited)
    with serving(app) as client, app.state.services.stream_shares.taken_by(customer.id):
        sent = helper.submit(client.post, "/video/generate", json=ORDER, headers=customer.headers)
        (generation_id,) = accepted(database)
        complete(database, limited, objects, generation_id, BODY)
        assert sent.result().status_code == 200


def test_an_order_without_a_free_place_is_answered_at_once(limited: Settings, make_customer: Any) -> None:
    customer = make_customer(PRICE)
    app = create_app(limited)
    with serving(app) as client, app.state.services.order_shares.taken_by(customer.id):
        assert client.post("/video/generate", json=ORDER, headers=customer.headers).status_code == 202
