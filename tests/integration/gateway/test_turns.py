"""Each request waits in the line of its sender before its key is checked."""

from collections.abc import AsyncGenerator, Hashable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from api_gateway import create_app
from gateway.session_cookie import NAME
from gateway.turns import Turns
from schemas.settings import Settings
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer


class _Seen(Turns):
    """Turns that remember whose line each request took."""

    def __init__(self) -> None:
        super().__init__()
        self.senders: list[Hashable] = []

    @asynccontextmanager
    async def short_of(self, sender: Hashable) -> AsyncGenerator[None]:
        self.senders.append(sender)
        async with super().short_of(sender):
            yield


@pytest.fixture(scope="module")
def seen() -> _Seen:
    return _Seen()


@pytest.fixture(scope="module")
def gateway(settings: Settings, seen: _Seen) -> Iterator[httpx.Client]:
    """A gateway whose lines are seen."""
    app = create_app(settings)
    with serving(app) as client:
        app.state.services = replace(app.state.services, turns=seen)
        yield client


def test_the_line_is_that_of_the_key_or_of_the_session(
    gateway: httpx.Client, seen: _Seen, customer: NewCustomer
) -> None:
    sent = {
        customer.api_key: {"Authorization": f"Bearer {customer.api_key}"},
        "rw_unknown": {"X-API-Key": "rw_unknown"},
        "an-old-session": {"Cookie": f"{NAME}=an-old-session"},
        None: {},
    }
    statuses = [gateway.get("/v1/credits", headers=headers).status_code for headers in sent.values()]

    assert statuses == [200, 401, 401, 401]
    assert seen.senders == list(sent)
