"""A server that misbehaves, and every vendor's adapter in front of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from providers.base import Provider, RemoteRef
from providers.http.addresses import AddressPolicy
from providers.http.transport import Transport
from providers.registry import adapter
from sandbox.scenarios import Delivered, Match, Scenario
from schemas.names import ProviderName
from stack.ports import free_port
from tests.contract.raw_server import Answer, RawServer, http
from tests.contract.rig import DOWNLOADS, Rig
from tests.contract.wire import Wire
from tests.contract.wires import FURTHER_WIRES, WIRES
from tests.sandbox.harness import KEY, PATIENCE_SECONDS, eventually, start_sandbox

NOW = 1_700_000_000.0


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer() as server:
        yield server


@contextmanager
def a_transport() -> Iterator[Transport]:
    """A transport that may connect to this machine."""
    transport = Transport(policy=AddressPolicy(DOWNLOADS.allowed_private_networks))
    try:
        yield transport
    finally:
        transport.close()


@pytest.fixture
def transport() -> Iterator[Transport]:
    with a_transport() as transport:
        yield transport


@dataclass(frozen=True)
class Vendor:
    """An adapter, its wire, and the parts to make the adapter again."""

    name: ProviderName
    wire: Wire
    transport: Transport
    server: RawServer

    @property
    def provider(self) -> Provider:
        """The adapter, with a time limit that allows every answer."""
        return self.wire.provider(self.server.url, self.transport, lambda: NOW, 30)

    @property
    def impatient(self) -> Provider:
        """The adapter with a time limit that a test can wait for, and in which every request leaves."""
        return self.wire.provider(self.server.url, self.transport, lambda: NOW, 10)

    def remote(self, task: str) -> RemoteRef:
        """The stored reference to a task."""
        return RemoteRef(self.wire.remote_id(task), self.wire.request.model)

    def will_say(self, *states: bytes | tuple[bytes, ...] | Answer) -> None:
        """Sets the answers to the next reads: bodies with HTTP 200, several for a state that takes several reads."""
        for state in states:
            match state:
                case bytes():
                    self.server.will(http(200, state))
                case tuple():
                    self.server.will(*(http(200, body) for body in state))
                case _:
                    self.server.will(state)

    def at(self, base_url: str) -> Provider:
        """The adapter of an account at another address."""
        return self.wire.provider(base_url, self.transport, lambda: NOW, 30)


EVERY_WIRE = {**WIRES, **FURTHER_WIRES}


def a_vendor(name: str, server: RawServer, transport: Transport) -> Vendor:
    """A wire by its name."""
    return Vendor(name.partition(" ")[0], EVERY_WIRE[name], transport, server)


_TELLING = [name for name, wire in EVERY_WIRE.items() if wire.cancelled("task_1") is not None]
CANCELLING = [*_TELLING, *(name for name, wire in EVERY_WIRE.items() if wire.stops_without_a_state)]
KEEPING = [name for name, wire in EVERY_WIRE.items() if wire.keeps_work]
_AT_ONCE = [
    name for name, wire in EVERY_WIRE.items() if wire.finished_at_once("task_1", "https://m.example/1") is not None
]
# Vendors whose cancel call returns no state.
_STOPPING = [name for name, wire in EVERY_WIRE.items() if wire.stopped() is not None]
_HALTING = [
    name for name, wire in EVERY_WIRE.items() if (name in _TELLING or name in _STOPPING) and not wire.stops_in_steps
]
_CALLING = [name for name, wire in EVERY_WIRE.items() if wire.callback("task_1", NOW) is not None]
_SIGNING = [name for name in _CALLING if adapter(name.partition(" ")[0]).profile.signs_callbacks]


def _vendor(request: pytest.FixtureRequest, server: RawServer, transport: Transport) -> Vendor:
    """Each wire of each vendor in turn."""
    return a_vendor(request.param, server, transport)


vendor = pytest.fixture(_vendor, params=list(EVERY_WIRE), name="vendor")
keeping = pytest.fixture(_vendor, params=KEEPING, name="keeping")
at_once = pytest.fixture(_vendor, params=_AT_ONCE, name="at_once")
telling = pytest.fixture(_vendor, params=_TELLING, name="telling")
cancelling = pytest.fixture(_vendor, params=CANCELLING, name="cancelling")
unstoppable = pytest.fixture(
    _vendor, params=[name for name in EVERY_WIRE if name not in CANCELLING], name="unstoppable"
)
halting = pytest.fixture(_vendor, params=_HALTING, name="halting")
stopping = pytest.fixture(_vendor, params=_STOPPING, name="stopping")
calling = pytest.fixture(_vendor, params=_CALLING, name="calling")
signing = pytest.fixture(_vendor, params=_SIGNING, name="signing")
silent = pytest.fixture(_vendor, params=[name for name in EVERY_WIRE if name not in _CALLING], name="silent")


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    port = free_port()
    process = start_sandbox(port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=PATIENCE_SECONDS)


@pytest.fixture
def picture(rig: Rig) -> str:
    """A link to an image that another vendor of the sandbox made."""
    # A size that every vendor takes.
    small = Delivered(width=512, height=512)
    rig.sandbox.add_scenario(Scenario(match=Match(prompt_contains="a given picture"), seconds=0, delivered=small))
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=f"{rig.url}/kie/api/v1/jobs", headers=headers, trust_env=False) as kie:
        create = {"model": "google/nano-banana", "input": {"prompt": "a given picture"}}
        task_id = kie.post("/createTask", json=create).json()["data"]["taskId"]
        link = f"{rig.url}/files/{task_id}.png"
        eventually(lambda: kie.get(link).status_code == 200)
    # The image identifies the order of a model without a prompt.
    return f"{link}?{rig.word}"
