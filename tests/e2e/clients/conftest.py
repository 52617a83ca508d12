"""Clients of OpenAI's API against the running system."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from openai import OpenAI

from schemas.enums import Scope
from storage import api_keys
from storage.api_keys import Owner
from tests.e2e.conftest import System
from tests.support import NewCustomer

SHORT = {"width": 1280, "height": 720, "duration_seconds": 1}
"""A delivery of the sandbox that is encoded in an instant, in a size that the client's types know."""

AT_ONCE_MS = 100
"""A pause between two reads of a client that does not wait as the gateway asks."""


@dataclass(frozen=True)
class Buyer:
    """A customer, with the official client."""

    system: System
    """The running system."""
    customer: NewCustomer
    """The customer."""
    client: OpenAI
    """The client. It refuses each answer that differs from its types."""
    word: str
    """The word of a prompt. The sandbox behaves as the test says."""

    @property
    def prompt(self) -> str:
        """The prompt of the test's orders."""
        return f"a paper boat {self.word}"

    def open_to_sizes(self, new_client: "NewClient") -> OpenAI:
        """A client that takes each size. A video whose picture decides has the size `auto` until its end."""
        return new_client(self.customer.api_key, _strict_response_validation=False)

    def videos(self) -> list[str]:
        """The ids of all videos of the customer."""
        return [video.id for video in self.client.videos.list()]

    def has_paid_once(self, price: int) -> bool:
        """Whether the customer has paid for one generation, or holds its price."""
        available, held = self.system.balance(self.customer)
        return (available + price, held) in {(1000, price), (1000, 0)}


NewClient = Callable[..., OpenAI]


@pytest.fixture
def new_client(system: System) -> Iterator[NewClient]:
    """Makes a client of the gateway, or of another base URL."""
    clients: list[OpenAI] = []

    def make(api_key: str, *, url: str = "", **options: Any) -> OpenAI:
        base_url = f"{url or system.stack.gateway_url}/openai/v1"
        client = OpenAI(api_key=api_key, base_url=base_url, **{"_strict_response_validation": True, **options})
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def buyer(system: System, new_client: NewClient) -> Buyer:
    """A customer with 1000 credits, whose orders end at once."""
    customer = system.customer()
    return Buyer(system, customer, new_client(customer.api_key), system.behave(delivered=SHORT))


def key_with(system: System, customer: NewCustomer, *scopes: Scope) -> str:
    """Another key of the customer, with these scopes."""
    with system.database.transaction() as session:
        return api_keys.create(session, Owner(customer_id=customer.id), api_keys.Terms(scopes=scopes)).material
