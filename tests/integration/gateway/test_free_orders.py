"""Orders that the operator has priced at 0: no credits, no transfers, and the same life."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from api_gateway import create_app
from schemas.enums import ErrorCode
from schemas.setting_groups import PriceSettings
from schemas.settings import Settings
from storage.audit import audit_online
from storage.database import Database
from storage.objects import ObjectStore
from tests.integration.gateway.finishing import complete, fail
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer

PATH = "/v1/generations"


@pytest.fixture
def free(settings: Settings, tmp_path: Path) -> Iterator[httpx.Client]:
    """A gateway where one model is free."""
    file = tmp_path / "prices.toml"
    file.write_text('[nano-banana]\nper = "image"\ncredits = 0\n')
    with serving(create_app(settings.model_copy(update={"prices": PriceSettings(file=file)}))) as client:
        yield client


def test_free_orders_live_and_end_without_credits(
    free: httpx.Client,
    database: Database,
    settings: Settings,
    objects: ObjectStore,
    make_customer: Callable[[int], NewCustomer],
) -> None:
    customer = make_customer(0)
    request = {"model": "nano-banana", "prompt": "a lighthouse in fog"}
    made = [free.post(PATH, json=request, headers=customer.headers).json() for _ in range(3)]
    batch = free.post(PATH, json=request | {"number_of_outputs": 2}, headers=customer.headers).json()
    done, failed, cancelled = (UUID(one["id"]) for one in made)

    complete(database, settings, objects, done, b"a picture")
    fail(database, settings, failed, ErrorCode.TIMEOUT, "not finished before its deadline")
    answer = free.post(f"{PATH}/{cancelled}/cancel", headers=customer.headers)

    assert answer.json()["status"] == "cancelled"
    nothing = {"price": 0, "held": 0, "captured": 0, "released": 0}
    states = [free.get(f"{PATH}/{one['id']}", headers=customer.headers).json() for one in made]
    assert [state["status"] for state in states] == ["completed", "failed", "cancelled"]
    assert [state["credits"] for state in [*states, batch]] == [nothing] * 4
    with database.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM ledger_transfers")).scalar_one() == 0
    assert audit_online(database, window=timedelta(hours=1)).breaches == []
