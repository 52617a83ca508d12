"""The videos adapter at servers of one's own, vLLM-Omni and SGLang-diffusion, against the sandbox."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from providers.adapters.openai_videos.adapter import OpenAIVideos
from providers.adapters.openai_videos.engines import DIALECTS, Engine, to_create
from providers.base import Cancellation, InputFile, InputsRead, ProviderRequest, RemoteRef, RemoteState, RemoteStatus
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.calls import Form
from providers.http.transport import Transport
from providers.registry import Providers
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered
from schemas.enums import Kind
from schemas.errors import InvalidSettings
from schemas.orders import Inputs
from schemas.provider_errors import ProviderRejected, ProviderUnavailable
from schemas.setting_groups import ProviderSettings, ProvidersSettings
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY

CATALOGUE = Catalogue.load(frozenset({"openai_videos"}))
MODEL = "openai-compatible-video"
SMALL = Delivered(width=64, height=64, duration_seconds=1)
LONG = 3600
ENGINES = {"vllm-omni": Engine.VLLM_OMNI, "sglang": Engine.SGLANG, "sglang-cloud": Engine.SGLANG}
INPUTS = Inputs(
    prompt="a boat", negative_prompt="fog", aspect_ratio="16:9", resolution="720p", duration_seconds=4, fps=16, seed=7
)
PICTURE = InputFile(b"a picture", "image/png")


def account(base_url: str, transport: Transport, engine: str, **options: str) -> OpenAIVideos:
    given = {"engine": SecretStr(engine), **{name: SecretStr(value) for name, value in options.items()}}
    settings = ProviderSettings(api_key=SecretStr(KEY), base_url=base_url, options=given)
    return OpenAIVideos("openai_videos", settings, transport)


@pytest.fixture
def rig(sandbox_url: str, transport: Transport, server_name: str) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        videos = account(f"{sandbox_url}/openai_videos/{server_name}", transport, ENGINES[server_name])
        yield Rig(videos, CATALOGUE, MODEL, sandbox, sandbox_url, uuid4().hex, delivered=SMALL)


EVERY = pytest.mark.parametrize("server_name", ENGINES)
VLLM = pytest.mark.parametrize("server_name", ["vllm-omni"])
SGLANG = pytest.mark.parametrize("server_name", ["sglang"])


@EVERY
def test_an_order_is_made_and_fetched(rig: Rig) -> None:
    rig.misbehave()
    with open_download(rig.provider.result_request(rig.make(rig.order())), DOWNLOADS, kind=Kind.VIDEO) as download:
        assert len(download.read()) == download.size_bytes


@EVERY
def test_video_begins_with_a_picture(rig: Rig, picture: str) -> None:
    order = rig.order()
    inputs = order.inputs.model_copy(update={"image_urls": [picture], "prompt": f"a boat {rig.word}"})
    made = rig.submit(order.model_copy(update={"inputs": inputs}))
    assert rig.finish(made).status is RemoteStatus.SUCCEEDED


@pytest.mark.parametrize("server_name", ["sglang-cloud"])
def test_result_in_cloud_storage_is_the_link_of_the_state(rig: Rig) -> None:
    rig.misbehave()
    assert "/files/" in rig.make(rig.order())


@EVERY
def test_video_that_a_restarted_server_forgot_is_lost(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    remote = rig.submit(rig.order())
    rig.sandbox.restart("openai_videos")
    assert rig.provider.poll(remote) == RemoteState(RemoteStatus.LOST)


@VLLM
def test_address_without_a_server_is_no_loss(rig: Rig, transport: Transport) -> None:
    # FastAPI's 404 for a path, not the server's for a video.
    elsewhere = account(f"{rig.url}/openai_videos/nothing", transport, "vllm-omni")
    with pytest.raises(ProviderRejected, match="HTTP 404"):
        elsewhere.poll(RemoteRef("video_1", "sora-2"))


@VLLM
def test_open_video_is_aborted(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.STOPPED
    (task,) = rig.sandbox.tasks(rig.word)
    assert task.state == "cancelled"
    assert rig.provider.cancel(remote) is Cancellation.STOPPED


@VLLM
def test_finished_video_is_not_deleted_by_a_late_cancel(rig: Rig) -> None:
    rig.misbehave()
    remote = rig.submit(rig.order())
    rig.finish(remote)
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE
    assert rig.finish(remote).status is RemoteStatus.SUCCEEDED


@VLLM
def test_abort_that_takes_time_is_requested(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, cancel="ignored")
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.REQUESTED
    assert rig.provider.poll(remote).status in {RemoteStatus.QUEUED, RemoteStatus.RUNNING}


@SGLANG
def test_sglang_cannot_stop_work_and_keeps_its_record(rig: Rig) -> None:
    rig.misbehave()
    remote = rig.submit(rig.order())
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE
    assert rig.finish(remote).status is RemoteStatus.SUCCEEDED


@SGLANG
def test_detail_of_a_refusal_is_quoted(rig: Rig) -> None:
    inputs = rig.order().inputs.model_copy(update={"seed": 7, "fps": 0})
    with pytest.raises(ProviderRejected, match="HTTP 400: Invalid request body: fps: "):
        rig.provider.submit(
            ProviderRequest("sora-2", inputs), callback_url=None, generation_id=uuid4(), fence=lambda: None
        )


def test_vllm_omni_takes_sizes_frames_and_a_seed_as_texts_of_a_form() -> None:
    body = to_create(DIALECTS[Engine.VLLM_OMNI], "wan", INPUTS, PICTURE, free_seed=9)
    assert isinstance(body, Form)
    assert body.fields == {
        "model": "wan", "prompt": "a boat", "negative_prompt": "fog", "width": "1280", "height": "720",
        "seconds": "4", "fps": "16", "num_frames": "64", "seed": "7",
    }  # fmt: skip
    assert (body.file and (body.file.name, body.file.content)) == ("input_reference", b"a picture")


def test_sglang_takes_json_with_numbers_unless_there_is_a_picture() -> None:
    # A form without a picture is refused: "input_reference file is required".
    assert to_create(DIALECTS[Engine.SGLANG], "wan", INPUTS, None, free_seed=9) == {
        "model": "wan", "prompt": "a boat", "negative_prompt": "fog", "size": "1280x720",
        "seconds": 4, "fps": 16, "num_frames": 64, "seed": 7,
    }  # fmt: skip
    body = to_create(DIALECTS[Engine.SGLANG], "wan", INPUTS, PICTURE, free_seed=9)
    assert isinstance(body, Form)
    assert (body.fields["size"], body.fields["seconds"]) == ("1280x720", "4")


@pytest.mark.parametrize("engine", DIALECTS)
def test_order_without_a_seed_gets_one(engine: Engine) -> None:
    # A server with a fixed seed of its own would make the same video for each customer.
    body = to_create(DIALECTS[engine], "wan", INPUTS.model_copy(update={"seed": None}), None, free_seed=9)
    fields = body.fields if isinstance(body, Form) else body
    assert str(fields["seed"]) == "9"


@EVERY
def test_orders_without_a_seed_are_different(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    for _ in range(2):
        rig.submit(rig.order())
    assert len({str(task.request["seed"]) for task in rig.sandbox.tasks(rig.word)}) == 2


@SGLANG
def test_open_video_of_sglang_runs_without_a_percentage(rig: Rig) -> None:
    # The server says `queued` and 0 until the end: no percentage, so customers see an estimate.
    rig.misbehave(seconds=LONG)
    assert rig.provider.poll(rig.submit(rig.order())) == RemoteState(RemoteStatus.RUNNING)


def test_engine_decides_what_an_account_can(transport: Transport) -> None:
    made = {engine: account("http://gpu.example/v1", transport, engine) for engine in Engine}
    facts = {
        engine: (each.profile.bills_nothing, each.profile.cancels, each.profile.reads_inputs, each.lost_after_seconds)
        for engine, each in made.items()
    }
    assert facts == {
        Engine.GATEWAY: (False, False, InputsRead.NONE, None),
        Engine.VLLM_OMNI: (True, True, InputsRead.ALL, 60),
        Engine.SGLANG: (True, False, InputsRead.ALL, 60),
    }
    with pytest.raises(InvalidSettings, match="OPTIONS__ENGINE: Input should be 'gateway', 'vllm-omni' or 'sglang'"):
        account("http://gpu.example/v1", transport, "vllm")


def test_registry_knows_the_engine_of_each_account() -> None:
    key = SecretStr("key")
    accounts = {
        "openai_videos": ProviderSettings(api_key=key, base_url="https://gateway.example/v1"),
        "gpu": ProviderSettings(
            api_key=key,
            adapter="openai_videos",
            base_url="http://gpu.example/v1",
            options={"engine": SecretStr("sglang")},
        ),
    }  # fmt: skip
    providers = Providers(ProvidersSettings(accounts))
    assert [providers.bills_nothing(name) for name in ("openai_videos", "gpu")] == [False, True]
    assert [providers.lost_after_seconds(name) for name in ("openai_videos", "gpu")] == [None, 60]
    providers.close()


@VLLM
def test_gateway_without_an_engine_stays_as_it_was(rig: Rig, transport: Transport) -> None:
    gateway = account(f"{rig.url}/openai_videos", transport, "gateway")
    with pytest.raises(ProviderRejected, match="HTTP 404"):
        gateway.poll(RemoteRef("video_1", "sora-2"))
    assert gateway.cancel(RemoteRef("video_1", "sora-2")) is Cancellation.IMPOSSIBLE


@VLLM
def test_refused_reads_are_no_loss(rig: Rig) -> None:
    rig.misbehave(seconds=LONG, poll_error={"code": 503, "msg": "busy"})
    with pytest.raises(ProviderUnavailable):
        rig.provider.poll(rig.submit(rig.order()))
