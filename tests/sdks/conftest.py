"""A separate sandbox for the vendors' clients. Its links have HTTPS URLs, as at the vendors."""

import os
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from providers.base import ProviderRequest
from providers.catalogue import Catalogue
from providers.http.transport import Transport
from providers.registry import adapter
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, Match, Scenario
from schemas.names import ProviderName
from schemas.orders import GenerationRequest
from schemas.setting_groups import ProviderSettings
from stack.ports import free_port
from tests.sandbox.harness import KEY, PATIENCE_SECONDS, Kie, Receiver, receiving, start_sandbox
from tests.sdks.fal_host import HOST, LISTENER
from tests.sdks.loopback import WATCH
from tests.sdks.tls import self_signed, tls_front

# A developer's own keys, addresses and proxies.
_MEANT_FOR_CLIENTS = (
    "OPENAI_",
    "RUNWAYML_",
    "REPLICATE_",
    "FAL_",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
)
_TINY = Delivered(width=64, height=64, duration_seconds=1)
_SOON = 0.05


@dataclass(frozen=True)
class Rig:
    """The sandbox, and a unique word for prompts and scenarios."""

    sandbox: SandboxClient
    """Controls the sandbox."""
    word: str
    """The word in the test's prompts."""

    @property
    def prompt(self) -> str:
        """The prompt of an order."""
        return f"a boat {self.word}"

    def behave(self, **fields: object) -> None:
        """Request misbehaviour. Files are small, and quick unless the test says otherwise."""
        scenario = {"match": Match(prompt_contains=self.word), "delivered": _TINY, "seconds": _SOON, **fields}
        self.sandbox.add_scenario(Scenario.model_validate(scenario))


@dataclass(frozen=True)
class Asked:
    """The creates as the sandbox read them."""

    rig: Rig
    """The sandbox and the prompt's word."""
    url: str
    """The URL of the vendor's API."""
    transport: Transport
    """Sends the adapter's requests."""

    def by_us(self, vendor: ProviderName, model: str, *, callback_url: str | None = None, **fields: object) -> None:
        """Order through our adapter."""
        account = ProviderSettings(api_key=SecretStr(KEY), base_url=f"{self.url}/{vendor}")
        request = GenerationRequest.model_validate({"model": model, "prompt": self.rig.prompt, **fields})
        order = Catalogue.load(frozenset({vendor})).order(request)
        adapter(vendor)(vendor, account, self.transport).submit(
            ProviderRequest(order.routes[0].model, order.inputs),
            callback_url=callback_url,
            generation_id=uuid4(),
            fence=lambda: None,
        )

    def is_the_same(self) -> bool:
        """Whether the two creates so far are equal in body and address."""
        ours, theirs = self.rig.sandbox.tasks(self.rig.word)
        asked = [(task.model, task.request, task.call_back_url) for task in (ours, theirs)]
        return asked[0] == asked[1]


@pytest.fixture(scope="package")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Certificate and key of the TLS front. Clients trust it, and find nothing else in their environment."""
    files = self_signed(tmp_path_factory.mktemp("tls"))
    with pytest.MonkeyPatch.context() as environment:
        for name in list(os.environ):
            if name.upper().startswith(_MEANT_FOR_CLIENTS):
                environment.delenv(name)
        environment.setenv("SSL_CERT_FILE", str(files[0]))
        yield files


@pytest.fixture(scope="package")
def sandbox_url(certificate: tuple[Path, Path]) -> Iterator[str]:
    """The sandbox without TLS. Its links name the TLS front."""
    port = free_port()
    process = start_sandbox(port, public_url=f"https://{HOST}")
    # The front closes its socket, and a run may come back to this package.
    with tls_front(LISTENER.dup(), port=port, certificate=certificate[0], key=certificate[1]):
        yield f"http://127.0.0.1:{port}"
    process.terminate()
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert "ERROR" not in output, output


@pytest.fixture(autouse=True)
def _nothing_leaves_this_machine() -> Iterator[None]:
    with WATCH.on() as strays:
        yield
    assert not strays


@pytest.fixture(scope="package")
def sandbox(sandbox_url: str) -> Iterator[SandboxClient]:
    """The control API. One client for all tests: each new client reads every authority that this machine trusts."""
    with SandboxClient(sandbox_url) as client:
        yield client


@pytest.fixture
def rig(sandbox: SandboxClient) -> Rig:
    """A sandbox without scenarios or tasks, and with limits that no test reaches by accident."""
    sandbox.reset()
    sandbox.lift_limits()
    rig = Rig(sandbox, uuid4().hex)
    rig.behave()
    return rig


@pytest.fixture
def download(certificate: tuple[Path, Path]) -> Callable[[str], bytes]:
    """Fetches a link."""

    def fetch(url: str) -> bytes:
        answer = httpx.get(url, verify=ssl.create_default_context(cafile=certificate[0]), trust_env=False)
        return answer.raise_for_status().content

    return fetch


@pytest.fixture
def picture(rig: Rig, sandbox_url: str) -> str:
    """A link to a picture of another vendor, without TLS: the sandbox itself trusts no certificate here."""
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=sandbox_url, headers=headers) as http:
        kie = Kie(http, "of somebody else")
        return kie.result_url(kie.create()).replace(f"https://{HOST}", sandbox_url)


@pytest.fixture
def asked(rig: Rig, sandbox_url: str) -> Iterator[Asked]:
    """The creates of our adapter and of the vendor's client."""
    transport = Transport()
    yield Asked(rig, sandbox_url, transport)
    transport.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver
