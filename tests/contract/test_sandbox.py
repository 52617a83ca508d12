"""The behaviour that all adapters share in front of the sandbox. Each vendor's file tests the differences."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from providers.base import RemoteStatus
from providers.catalogue import Catalogue
from providers.registry import Providers
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered, ErrorReply
from sandbox.vendors import options
from schemas.enums import ErrorCode
from schemas.provider_errors import ProviderError, ProviderOutcomeUnknown
from schemas.setting_groups import ProviderSettings, ProvidersSettings
from stack.demo import plainest_model
from tests.contract.rig import Rig
from tests.contract.wires import WIRES
from tests.sandbox.harness import KEY, WEBHOOK_SECRET

EVERY = list(WIRES)
KEEPING = [name for name, wire in WIRES.items() if wire.keeps_work]
TINY = Delivered(width=64, height=64, duration_seconds=0.5)


@pytest.fixture
def rig(sandbox_url: str, request: pytest.FixtureRequest) -> Iterator[Rig]:
    """The simplest model of a vendor. The test's parameter names the vendor."""
    name: str = request.param
    url = f"{sandbox_url}/{name}"
    account = ProviderSettings(
        api_key=SecretStr(KEY),
        webhook_key=SecretStr(WEBHOOK_SECRET),
        base_url=url,
        options={option: SecretStr(value) for option, value in options(name, url).items()},
    )
    providers = Providers(ProvidersSettings({name: account}))
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        catalogue = Catalogue.load(frozenset({name}))
        model = plainest_model(name)
        yield Rig(providers.get(name), catalogue, model, sandbox, sandbox_url, uuid4().hex, TINY)
    providers.close()


@pytest.mark.parametrize("create_reply", ["drop", "garbage"])
@pytest.mark.parametrize("rig", EVERY, indirect=True)
def test_a_create_without_a_readable_answer_is_an_unknown_outcome(rig: Rig, create_reply: str) -> None:
    rig.misbehave(create_reply=create_reply)
    with pytest.raises(ProviderOutcomeUnknown):
        rig.submit(rig.order())
    assert len(rig.sandbox.tasks(rig.word)) == 1


@pytest.mark.parametrize(
    ("rig", "status"),
    [(name, status) for name, wire in WIRES.items() for status in wire.refusals],
    indirect=["rig"],
)
def test_the_status_decides_the_error_of_a_refused_create(rig: Rig, status: int) -> None:
    rig.misbehave(create_error=ErrorReply(code=status, msg="no", http_status=status, retry_after=3))
    with pytest.raises(ProviderError) as caught:
        rig.submit(rig.order())
    assert type(caught.value) is WIRES[rig.provider.name].refusals[status]
    assert caught.value.retry_after == (3 if status in {429, 503} else None)
    assert rig.sandbox.tasks(rig.word) == []


@pytest.mark.parametrize("rig", KEEPING, indirect=True)
def test_a_slow_answer_within_the_time_limit_succeeds(rig: Rig) -> None:
    rig.misbehave(seconds=3600)
    remote = rig.submit(rig.order())
    assert rig.provider.poll(remote).status in {RemoteStatus.QUEUED, RemoteStatus.RUNNING}
    rig.sandbox.finish(rig.word)
    assert rig.finish(remote).status is RemoteStatus.SUCCEEDED


# Where a success always has a result, it may be missing when it is fetched.
@pytest.mark.parametrize(
    "rig", [name for name, wire in WIRES.items() if wire.succeeded_with_nothing("1") is not None], indirect=True
)
def test_a_success_without_a_result_is_a_failure(rig: Rig) -> None:
    rig.misbehave(empty_result=True)
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_code) == (RemoteStatus.FAILED, ErrorCode.PROVIDER_FAILED)
    assert state.error_message == f"{rig.provider.name} reported success without a result"


@pytest.mark.parametrize("rig", KEEPING, indirect=True)
def test_a_status_that_nobody_knows_is_no_news(rig: Rig) -> None:
    rig.misbehave(state_word="pondering")
    state = rig.provider.poll(rig.submit(rig.order()))
    assert state.status is RemoteStatus.UNKNOWN
    assert state.word == "pondering"
