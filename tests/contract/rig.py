"""An adapter in front of the sandbox. The sandbox follows the vendor's documents, not the adapter."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from types import MappingProxyType
from uuid import UUID, uuid4

from providers.base import InputFile, InputsRead, Provider, ProviderRequest, RemoteRef, RemoteState, RemoteStatus
from providers.catalogue import Catalogue
from providers.files.inputs import read_inputs
from sandbox.client import SandboxClient
from sandbox.scenarios import NORMAL, Delivered, Match, Scenario
from schemas.inputs import Facts, InputFacts
from schemas.orders import GenerationRequest, Order
from schemas.setting_groups import DownloadSettings, InputSettings
from tests.sandbox.harness import PATIENCE_SECONDS

INPUTS = InputSettings(allowed_private_networks=[ip_network("127.0.0.0/8")])
DOWNLOADS = DownloadSettings(allowed_private_networks=[ip_network("127.0.0.0/8")])

NO_SOURCES: Mapping[str, RemoteRef] = MappingProxyType({})


@dataclass(frozen=True)
class Rig:
    """An adapter, the sandbox, and a word in every prompt that selects the scenario."""

    provider: Provider
    catalogue: Catalogue
    model: str
    """The default model of an order."""
    sandbox: SandboxClient
    url: str
    word: str
    delivered: Delivered = NORMAL.delivered
    """What comes instead of what was ordered, where a test misbehaves."""
    facts: Facts = field(default_factory=dict)
    """The facts of the orders' input files."""

    def order(self, model: str | None = None, **fields: object) -> Order:
        asked = {"model": model or self.model, "prompt": f"a boat {self.word}", **fields}
        request = GenerationRequest.model_validate(asked)
        # As if the customer had uploaded them: some models take no links.
        videos = {url: InputFacts("video/mp4", 1000, duration_seconds=3) for url in request.video_urls}
        return self.catalogue.order(request, {**videos, **self.facts})

    def submit(
        self,
        order: Order,
        *,
        generation_id: UUID | None = None,
        callback_url: str | None = None,
        sources: Mapping[str, RemoteRef] = NO_SOURCES,
    ) -> RemoteRef:
        remote_model = order.routes[0].model
        files: dict[str, InputFile] = {}
        if self.provider.profile.reads_inputs is InputsRead.ALL:
            files = read_inputs(order.inputs, INPUTS, seconds=PATIENCE_SECONDS)
        created = self.provider.submit(
            ProviderRequest(remote_model, order.inputs, files, sources),
            callback_url=callback_url,
            generation_id=generation_id or uuid4(),
            fence=lambda: None,
        )
        return RemoteRef(created.remote_id, remote_model, created.links)

    def finish(self, remote: RemoteRef) -> RemoteState:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while (state := self.provider.poll(remote)).status in {RemoteStatus.QUEUED, RemoteStatus.RUNNING}:
            assert time.monotonic() < give_up_at
            time.sleep(0.02)
        return state

    def make(self, order: Order) -> str:
        """The link to the one result of an order."""
        state = self.finish(self.submit(order))
        assert state.status is RemoteStatus.SUCCEEDED
        (url,) = state.result_urls
        return url

    def misbehave(self, **fields: object) -> None:
        """Request misbehaviour. Files are small and come at once, unless the test says otherwise."""
        scenario = {"match": Match(prompt_contains=self.word), "delivered": self.delivered, "seconds": 0, **fields}
        self.sandbox.add_scenario(Scenario.model_validate(scenario))
