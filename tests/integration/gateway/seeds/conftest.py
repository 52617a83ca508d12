"""A gateway at which orders may wait, and its customers."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api_gateway import create_app
from schemas.enums import Scope
from schemas.setting_groups import SeedSettings
from schemas.settings import Settings
from storage import customers, ledger
from storage.api_keys import Owner
from storage.database import Database
from tests.integration.gateway.seeds.orders import BODY
from tests.integration.gateway.serving import serving


@pytest.fixture(scope="session")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A gateway at which orders may wait."""
    seeds = SeedSettings(longest_wait_seconds=60, inline_bytes=len(BODY))
    changes = {"seeds": seeds, "credits_url": "https://shop.example/credits"}
    with serving(create_app(settings.model_copy(update=changes))) as client:
        yield client


@pytest.fixture
def helper() -> Iterator[ThreadPoolExecutor]:
    """Sends requests beside the test."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.fixture
def headers(database: Database, service: Owner, make_key: Callable[..., str]) -> dict[str, str]:
    """The headers of a service whose customer 123 has 1000 credits."""
    assert service.service_id is not None
    with database.transaction() as session:
        customer_id = customers.ensure_customer_of(session, service.service_id, "123")
        ledger.grant(session, customer_id, 1000, reference="test")
    key = make_key(service, scopes=(Scope.GENERATE, Scope.READ), makes_customers=True)
    return {"X-API-Key": key}
