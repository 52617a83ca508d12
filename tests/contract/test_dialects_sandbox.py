"""An order of every vendor from create to file, with all of the sandbox's answers changed by rule."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from providers.base import RemoteStatus
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.transport import Transport
from providers.registry import adapter
from sandbox.client import SandboxClient
from sandbox.vendors import options
from schemas.setting_groups import ProviderSettings
from stack.demo import plainest_model
from tests.contract.mutations import (
    Rule,
    in_other_cases,
    with_more_members,
    with_numbers_as_texts,
    with_other_explanations,
)
from tests.contract.rig import DOWNLOADS, Rig
from tests.contract.test_sandbox import KEEPING, TINY
from tests.contract.wires import WIRES
from tests.sandbox.harness import KEY, WEBHOOK_SECRET


class Mutating(httpx.BaseTransport):
    """The network, with a rule applied to each JSON object that comes back."""

    def __init__(self, rule: Rule) -> None:
        self.changed = 0
        self.rule = rule
        self._network = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._network.handle_request(request)
        body = response.read()
        if body.startswith(b"{"):
            mutated = next(self.rule(body), body)
            self.changed += mutated != body
            body = mutated
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return httpx.Response(response.status_code, headers=headers, content=body)

    def close(self) -> None:
        self._network.close()


@pytest.fixture
def network(request: pytest.FixtureRequest) -> Mutating:
    return Mutating(request.param)


@pytest.fixture
def rig(sandbox_url: str, network: Mutating, vendor_name: str) -> Iterator[Rig]:
    """The simplest model of a vendor behind the rule."""
    url = f"{sandbox_url}/{vendor_name}"
    account = ProviderSettings(
        api_key=SecretStr(KEY),
        webhook_key=SecretStr(WEBHOOK_SECRET),
        base_url=url,
        options={option: SecretStr(value) for option, value in options(vendor_name, url).items()},
    )
    transport = Transport(http=network)
    provider = adapter(vendor_name)(vendor_name, account, transport)
    with SandboxClient(sandbox_url) as sandbox:
        catalogue = Catalogue.load(frozenset({vendor_name}))
        yield Rig(provider, catalogue, plainest_model(vendor_name), sandbox, sandbox_url, uuid4().hex, TINY)
    transport.close()


@pytest.mark.parametrize("network", [in_other_cases, with_more_members, with_numbers_as_texts], indirect=True)
@pytest.mark.parametrize("vendor_name", list(WIRES))
def test_an_order_ends_in_a_file(rig: Rig, network: Mutating) -> None:
    rig.misbehave(seconds=0)
    order = rig.order()
    remote = rig.submit(order)
    state = rig.finish(remote)
    assert state.status is RemoteStatus.SUCCEEDED
    with open_download(rig.provider.result_request(state.result_urls[0]), DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) > 100
    # Some answers have no word and no number.
    assert network.changed or network.rule is not with_more_members


@pytest.mark.parametrize(
    "network",
    [in_other_cases, with_more_members, with_numbers_as_texts, with_other_explanations],
    indirect=True,
)
@pytest.mark.parametrize("vendor_name", KEEPING)
def test_a_failure_is_an_end(rig: Rig, network: Mutating) -> None:
    rig.misbehave(seconds=0, outcome="fail", fail_code="500", fail_msg="the model is on fire")
    state = rig.finish(rig.submit(rig.order()))
    assert state.status is RemoteStatus.FAILED
    assert network.changed or network.rule is not with_more_members
    assert "the model is on fire" in (state.error_message or "")
