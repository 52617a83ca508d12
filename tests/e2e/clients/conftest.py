"""Clients of OpenAI's API against the running system."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from openai import OpenAI

from schemas.enums import Scope
from stack.ports import free_port
from stack.processes import ApplicationProcess, application_processes
from stack.services import ended_in_reverse
from storage import api_keys
from storage.api_keys import Owner
from tests.contract.raw_server import RawServer
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
        answer = self.system.http.get("/openai/v1/videos", headers=self.customer.headers)
        return [video["id"] for video in answer.raise_for_status().json()["data"]]

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


@pytest.fixture
def strict_url(system: System) -> Iterator[str]:
    """The URL of a second gateway, which lets a key send one order in a minute."""
    port = free_port()
    settings = system.stack.settings.model_copy(update={"gateway_port": port})
    (process,) = [each for each in application_processes(settings) if each.name == "gateway"]
    limits = {"REELWORKS_GATEWAY_PORT": str(port), "REELWORKS_RATE_LIMITS__WRITES_PER_MINUTE": "1"}
    child = ApplicationProcess(process, system.stack.folder / "strict", {**os.environ, **system.stack.env, **limits})
    with ended_in_reverse([child]):
        child.start()
        child.wait_until_ready()
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def relay() -> Iterator[RawServer]:
    """A server that a test puts between a client and the gateway."""
    with RawServer() as server:
        yield server
