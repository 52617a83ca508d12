"""Going on from a video of Veo's behind a Kie account, against the sandbox."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from providers.adapters.kie.adapter import Kie
from providers.base import RemoteRef, RemoteStatus
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.transport import Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered
from schemas.inputs import InputFacts, Origin, generation_url
from schemas.orders import Order
from schemas.provider_errors import ProviderOutcomeUnknown, ProviderRejected
from schemas.setting_groups import ProviderSettings
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY, WEBHOOK_SECRET, receiving

CATALOGUE = Catalogue.load(frozenset({"kie"}))
MODELS = [card.name for card in CATALOGUE.models() if card.capabilities and card.capabilities.extends]
MINE = generation_url(UUID(int=1))
FACTS = {MINE: InputFacts("video/mp4", 1000, origin=Origin("veo-3", "kie", "720p"))}
TINY = Delivered(width=64, height=64, duration_seconds=0.5)


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        sandbox.lift_limits()
        account = ProviderSettings(
            api_key=SecretStr(KEY), webhook_key=SecretStr(WEBHOOK_SECRET), base_url=f"{sandbox_url}/kie"
        )
        kie = Kie("kie", account, transport)
        yield Rig(kie, CATALOGUE, "veo-3-lite", sandbox, sandbox_url, uuid4().hex, TINY, FACTS)


def extension(rig: Rig, model: str = "veo-3-fast-extend") -> Order:
    return rig.order(model, video_urls=[MINE])


def made(rig: Rig) -> dict[str, RemoteRef]:
    """The sources of an order that goes on from a video that is made now."""
    remote = rig.submit(rig.order())
    assert rig.finish(remote).status is RemoteStatus.SUCCEEDED
    return {MINE: remote}


@pytest.mark.parametrize("model", MODELS)
def test_every_extension_is_made_and_fetched(rig: Rig, model: str) -> None:
    rig.misbehave()
    order = extension(rig, model)
    state = rig.finish(rig.submit(order, sources=made(rig)))
    with open_download(rig.provider.result_request(state.result_urls[0]), DOWNLOADS, kind=order.kind) as download:
        download.read()
    assert download.media.extension == order.file_extension


def test_the_end_of_an_extension_is_called_back(rig: Rig) -> None:
    rig.misbehave()
    sources = made(rig)
    with receiving() as receiver:
        remote = rig.submit(extension(rig), sources=sources, callback_url=receiver.url)
        (callback,) = receiver.wait_for(1)
        assert rig.provider.read_callback(callback.headers, callback.body).remote_id == remote.remote_id


@pytest.mark.parametrize("create_reply", ["drop", "garbage"])
def test_an_extension_without_a_readable_answer_is_an_unknown_outcome(rig: Rig, create_reply: str) -> None:
    sources = made(rig)
    rig.misbehave(create_reply=create_reply)
    with pytest.raises(ProviderOutcomeUnknown):
        rig.submit(extension(rig), sources=sources)
    assert len(rig.sandbox.tasks(rig.word)) == 2


def test_extending_an_unknown_task_is_rejected(rig: Rig) -> None:
    with pytest.raises(ProviderRejected, match=r"does not know what was asked for \(code 404\)"):
        rig.submit(extension(rig), sources={MINE: RemoteRef("gone", "veo/veo3")})
