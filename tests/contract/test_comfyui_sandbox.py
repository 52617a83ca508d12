"""The ComfyUI adapter against the simulated server, which follows recorded answers."""

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import SecretStr

from providers.adapters.comfyui.adapter import ComfyUI
from providers.adapters.comfyui.workflows import EXAMPLES
from providers.base import (
    AccountState,
    Cancellation,
    InputFile,
    ProviderRequest,
    RemoteRef,
    RemoteState,
    RemoteStatus,
)
from providers.catalogue import Catalogue
from providers.files.downloads import open_download
from providers.http.transport import MAX_REPLY_BYTES, Transport
from sandbox.client import SandboxClient
from sandbox.scenarios import Delivered
from schemas.errors import InvalidSettings
from schemas.orders import GenerationRequest
from schemas.provider_errors import (
    ProviderAuthFailed,
    ProviderModelGone,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
    ProviderWorkAbsent,
)
from schemas.setting_groups import ProviderSettings
from tests.contract.raw_server import RawServer, http
from tests.contract.rig import DOWNLOADS, Rig
from tests.sandbox.harness import KEY, PATIENCE_SECONDS, eventually

CATALOGUE = Catalogue.load(frozenset({"comfyui"}))
IMAGE, VIDEO, FROM_PICTURE = "qwen-image", "wan-2.2", "stable-video"
TINY = Delivered(width=64, height=64, duration_seconds=1)
LONG = 3600


def account(base_url: str, transport: Transport, *, key: str = KEY, **options: str) -> ComfyUI:
    given = {"workflows": "examples", **options}
    settings = ProviderSettings(
        api_key=SecretStr(key), base_url=base_url, options={name: SecretStr(each) for name, each in given.items()}
    )
    return ComfyUI("comfyui", settings, transport)


@pytest.fixture
def rig(sandbox_url: str, transport: Transport) -> Iterator[Rig]:
    with SandboxClient(sandbox_url) as sandbox:
        sandbox.reset()
        comfyui = account(f"{sandbox_url}/comfyui", transport)
        yield Rig(comfyui, CATALOGUE, IMAGE, sandbox, sandbox_url, uuid4().hex, delivered=TINY)


@pytest.fixture
def server(rig: Rig) -> Iterator[httpx.Client]:
    """The server without the adapter."""
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=f"{rig.url}/comfyui", headers=headers, trust_env=False) as client:
        yield client


def fetched(rig: Rig, url: str) -> bytes:
    with open_download(rig.provider.result_request(url), DOWNLOADS, kind=rig.order().kind) as download:
        return download.read()


def until_running(rig: Rig, remote: RemoteRef) -> RemoteState:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while (state := rig.provider.poll(remote)).status is not RemoteStatus.RUNNING:
        assert time.monotonic() < give_up_at
    return state


# What each model takes at the least, and the most of what changes its graph.
ORDERS: list[tuple[str, dict[str, object]]] = [
    ("sdxl-turbo", {"seed": 7}),
    (IMAGE, {}),
    (IMAGE, {"aspect_ratio": "16:9", "seed": 7, "negative_prompt": "blur"}),
    ("wan-2.1", {"duration_seconds": 2, "seed": 7, "negative_prompt": "blur"}),
    (VIDEO, {"aspect_ratio": "9:16", "duration_seconds": 1, "seed": 7, "negative_prompt": "blur"}),
    ("ltx-video", {"duration_seconds": 3, "seed": 7, "negative_prompt": "blur"}),
    (FROM_PICTURE, {"motion": 0.5, "seed": 7}),
]


def test_every_model_of_the_catalogue_is_ordered_here() -> None:
    names = {card.name for card in CATALOGUE.models() if card.retired_on is None}
    assert names == {model for model, _ in ORDERS}


@pytest.mark.parametrize(("model", "fields"), ORDERS)
def test_an_order_is_made_and_fetched(rig: Rig, picture: str, model: str, fields: dict[str, object]) -> None:
    # A picture's name has the word of the scenario; the name of its upload has not.
    rig.sandbox.lift_limits()
    rig.misbehave()
    images = {"image_urls": [picture]} if model == FROM_PICTURE else {}
    order = rig.order(model, **images, **fields)
    with open_download(rig.provider.result_request(rig.make(order)), DOWNLOADS, kind=order.kind) as download:
        assert len(download.read()) == download.size_bytes
    assert download.media.extension == order.file_extension


def test_video_has_the_ordered_frames_shape_and_seed(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    rig.submit(rig.order(VIDEO, duration_seconds=2, aspect_ratio="9:16", seed=7))
    (task,) = rig.sandbox.tasks(rig.word)
    graph: dict[str, Any] = task.request["prompt"]  # type: ignore[assignment]
    size = graph["7"]["inputs"]
    assert (size["width"], size["height"], size["length"]) == (704, 1280, 49)
    assert (graph["8"]["inputs"]["seed"], graph["10"]["inputs"]["fps"]) == (7, 24)
    assert not any("_meta" in node for node in graph.values())


def test_picture_is_uploaded_first_under_the_hash_of_its_content(rig: Rig, server: httpx.Client, picture: str) -> None:
    rig.sandbox.lift_limits()
    order = rig.order(FROM_PICTURE, image_urls=[picture])
    for _ in range(2):
        rig.submit(order)
    names = [
        node["inputs"]["image"]
        for entry in _entries(server)
        for node in entry[2].values()
        if node["class_type"] == "LoadImage"
    ]
    assert (len(names), len(set(names))) == (2, 1)
    assert all(name.startswith("reelworks-") and name.endswith(".png") for name in names)


def test_other_picture_gets_another_name(rig: Rig, server: httpx.Client) -> None:
    order = rig.order(FROM_PICTURE, image_urls=["https://media.example/1.png"])
    for content in (b"one", b"two"):
        request = ProviderRequest(
            FROM_PICTURE, order.inputs, {order.inputs.image_urls[0]: InputFile(content, "image/png")}
        )
        rig.provider.submit(request, callback_url=None, generation_id=uuid4(), fence=lambda: None)
    eventually(lambda: len(server.get("/history").json()) == 2)
    assert len({json.dumps(entry["prompt"][2]["2"]) for entry in server.get("/history").json().values()}) == 2


def _entries(server: httpx.Client) -> list[Any]:
    queue = server.get("/queue").json()
    ended = [entry["prompt"] for entry in server.get("/history").json().values()]
    return [*queue["queue_running"], *queue["queue_pending"], *ended]


def test_equal_orders_of_two_customers_have_a_file_each(rig: Rig) -> None:
    rig.misbehave()
    order = rig.order(seed=7)
    first, second = rig.submit(order), rig.submit(order)
    assert first.remote_id != second.remote_id
    urls = [rig.finish(remote).result_urls for remote in (first, second)]
    assert urls[0] != urls[1]
    assert all(remote.remote_id in url for remote, (url,) in zip((first, second), urls, strict=True))
    assert [len(fetched(rig, url)) > 100 for (url,) in urls] == [True, True]


def test_file_of_an_earlier_run_is_no_result(rig: Rig, server: httpx.Client) -> None:
    # A graph whose output the server remembers answers with the first run's file, whatever the prompt's id.
    rig.misbehave()
    remote = rig.submit(rig.order())
    rig.finish(remote)
    graph = server.get(f"/history/{remote.remote_id}").json()[remote.remote_id]["prompt"][2]
    again = str(uuid4())
    server.post("/prompt", json={"prompt": graph, "prompt_id": again, "client_id": "x"})
    state = rig.finish(RemoteRef(again, IMAGE))
    assert (state.status, state.error_message) == (
        RemoteStatus.FAILED,
        "comfyui reported success with a file of another run",
    )


def test_server_that_keeps_no_id_of_ours_is_refused_and_its_prompt_is_deleted(transport: Transport) -> None:
    # The file would have our id, and the history another: no read could find the result.
    theirs = str(uuid4())
    created = json.dumps({"prompt_id": theirs, "number": 0, "node_errors": {}}).encode()
    order = CATALOGUE.order(GenerationRequest(model=IMAGE, prompt="a boat"), {})
    request = ProviderRequest(IMAGE, order.inputs)
    with RawServer() as server:
        server.will(http(200, created), http(200))
        comfyui = account(server.url, transport)
        with pytest.raises(ProviderModelGone, match="keeps no prompt_id: update ComfyUI"):
            comfyui.submit(request, callback_url=None, generation_id=uuid4(), fence=lambda: None)
        create, delete = server.requests
    assert create.target == "/prompt"
    assert (delete.target, json.loads(delete.body)) == ("/queue", {"delete": [theirs]})


def _large(count: int) -> bytes:
    """A queue of others, over the bound of a reply."""
    graph = {"1": {"class_type": "Texts", "inputs": {"text": "x" * (MAX_REPLY_BYTES // count)}}}
    entries = [[number, f"other-{number}", graph, {"client_id": "x"}, ["1"]] for number in range(count + 1)]
    return json.dumps({"queue_running": [], "queue_pending": entries}).encode()


def test_queue_over_the_bound_is_no_news_and_its_work_can_be_stopped(transport: Transport) -> None:
    with RawServer() as server:
        comfyui = account(server.url, transport)
        server.will(http(200, b"{}"), http(200, _large(8)))
        assert comfyui.poll(RemoteRef("run-1", IMAGE)).status is RemoteStatus.UNKNOWN
        server.will(http(200, b"{}"), http(200, _large(8)), http(200), http(200, _large(8)), http(200))
        assert comfyui.cancel(RemoteRef("run-1", IMAGE)) is Cancellation.REQUESTED
        *_, delete, _, interrupt = server.requests
        assert [json.loads(each.body) for each in (delete, interrupt)] == [
            {"delete": ["run-1"]},
            {"prompt_id": "run-1"},
        ]


def test_look_up_takes_fewer_entries_where_the_history_is_over_the_bound(transport: Transport) -> None:
    generation_id = uuid4()
    prompt = [0, "run-1", {}, {"client_id": str(generation_id)}, ["1"]]
    ended = json.dumps({"run-1": {"prompt": prompt, "outputs": {}, "status": {}}}).encode()
    with RawServer() as server:
        queue = json.dumps({"queue_running": [], "queue_pending": []}).encode()
        server.will(http(200, queue), http(200, _large(8)), http(200, ended))
        found = account(server.url, transport).look_up(generation_id)
        assert found is not None
        assert found.remote_id == "run-1"
        assert [each.target for each in server.requests[1:]] == ["/history?max_items=16", "/history?max_items=4"]


def test_few_orders_wait_in_the_servers_own_queue() -> None:
    assert ComfyUI.profile.limits.in_flight == 4


def test_orders_without_a_seed_are_different(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    for _ in range(2):
        rig.submit(rig.order())
    seeds = {task.request["prompt"]["8"]["inputs"]["seed"] for task in rig.sandbox.tasks(rig.word)}  # type: ignore[index,call-overload]
    assert len(seeds) == 2


def test_create_without_an_answer_is_found_by_the_generation(rig: Rig) -> None:
    rig.misbehave(create_reply="drop", seconds=LONG)
    generation_id = uuid4()
    with pytest.raises(ProviderOutcomeUnknown):
        rig.submit(rig.order(), generation_id=generation_id)
    found = rig.provider.look_up(generation_id)
    assert found is not None
    rig.sandbox.finish(rig.word)
    assert rig.finish(RemoteRef(found.remote_id, IMAGE)).status is RemoteStatus.SUCCEEDED
    # The history has the finished run.
    assert rig.provider.look_up(generation_id) == found
    assert rig.provider.look_up(uuid4()) is None


def test_absence_proves_nothing(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    generation_id = uuid4()
    remote = rig.submit(rig.order(), generation_id=generation_id)
    rig.sandbox.restart("comfyui")
    assert rig.provider.look_up(generation_id) is None
    for unknown in (remote, RemoteRef(str(uuid4()), IMAGE)):
        with pytest.raises(ProviderWorkAbsent, match="neither in its queue nor in its history"):
            rig.provider.poll(unknown)
    assert rig.provider.lost_after_seconds == 60


def test_run_that_ends_between_two_reads_is_found(rig: Rig, transport: Transport) -> None:
    rig.misbehave(seconds=0)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            remote = rig.submit(rig.order())
            states = pool.map(lambda _, remote=remote: rig.provider.poll(remote).status, range(12))
            assert set(states) <= {RemoteStatus.QUEUED, RemoteStatus.RUNNING, RemoteStatus.SUCCEEDED}
            rig.finish(remote)


def test_restarted_server_calls_nothing_finished_that_it_forgot(rig: Rig) -> None:
    rig.misbehave()
    remote = rig.submit(rig.order())
    rig.finish(remote)
    rig.sandbox.restart("comfyui")
    with pytest.raises(ProviderWorkAbsent):
        rig.provider.poll(remote)


def test_server_that_restarts_answers_nothing(rig: Rig) -> None:
    rig.sandbox.restart("comfyui", seconds=LONG)
    with pytest.raises(ProviderUnavailable):
        rig.provider.poll(RemoteRef(str(uuid4()), IMAGE))
    with pytest.raises(ProviderOutcomeUnknown):
        rig.submit(rig.order())
    assert rig.sandbox.tasks(rig.word) == []


def test_waiting_work_is_told_its_place_and_is_deleted(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    running, waiting, last = (rig.submit(rig.order()) for _ in range(3))
    until_running(rig, running)
    assert [rig.provider.poll(each).ahead for each in (waiting, last)] == [1, 2]
    assert rig.provider.cancel(waiting) is Cancellation.STOPPED
    assert rig.provider.poll(last) == RemoteState(RemoteStatus.QUEUED, ahead=1)
    assert rig.provider.poll(running).status is RemoteStatus.RUNNING
    # Again: the answer to the first cancel may have been lost.
    assert rig.provider.cancel(waiting) is Cancellation.STOPPED


def test_running_work_is_interrupted_and_no_other(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    first, second = rig.submit(rig.order()), rig.submit(rig.order())
    until_running(rig, first)
    assert rig.provider.cancel(first) is Cancellation.REQUESTED
    assert rig.finish(first) == RemoteState(RemoteStatus.CANCELLED)
    # The interrupt names its prompt: the next one runs on.
    until_running(rig, second)
    assert rig.provider.cancel(first) is Cancellation.STOPPED
    assert rig.provider.poll(second).status is RemoteStatus.RUNNING


def test_work_that_begins_between_the_read_and_the_interrupt_runs_on(
    rig: Rig, server: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.misbehave(seconds=LONG)
    first, second = rig.submit(rig.order()), rig.submit(rig.order())
    until_running(rig, first)
    comfyui = cast("ComfyUI", rig.provider)
    stop = comfyui._stop

    def too_late(path: str, body: Mapping[str, object]) -> None:
        server.post("/interrupt", json={"prompt_id": first.remote_id})
        until_running(rig, second)
        stop(path, body)

    monkeypatch.setattr(comfyui, "_stop", too_late)
    assert comfyui.cancel(first) is Cancellation.REQUESTED
    assert rig.finish(first).status is RemoteStatus.CANCELLED
    rig.sandbox.finish(rig.word)
    assert rig.finish(second).status is RemoteStatus.SUCCEEDED


def test_interrupt_always_names_its_prompt(transport: Transport) -> None:
    # The prompt may end, and another begin, between the read and the interrupt. Without an id, that one would stop.
    entry = [0, "run-1", {}, {"client_id": "x"}, ["2"]]
    queue = json.dumps({"queue_running": [entry], "queue_pending": []}).encode()
    with RawServer() as server:
        server.will(http(200, b"{}"), http(200, queue), http(200))
        comfyui = account(server.url, transport)
        assert comfyui.cancel(RemoteRef("run-1", IMAGE)) is Cancellation.REQUESTED
        *_, interrupt = server.requests
    assert (interrupt.target, json.loads(interrupt.body)) == ("/interrupt", {"prompt_id": "run-1"})


def test_finished_work_cannot_be_stopped(rig: Rig) -> None:
    rig.misbehave()
    remote = rig.submit(rig.order())
    rig.finish(remote)
    assert rig.provider.cancel(remote) is Cancellation.IMPOSSIBLE


def test_work_that_a_restart_lost_is_stopped(rig: Rig) -> None:
    rig.misbehave(seconds=LONG)
    remote = rig.submit(rig.order())
    rig.sandbox.restart("comfyui")
    assert rig.provider.cancel(remote) is Cancellation.STOPPED


@pytest.mark.slow
def test_running_work_tells_its_steps(rig: Rig) -> None:
    rig.misbehave(seconds=100)
    remote = rig.submit(rig.order())
    until_running(rig, remote)
    told: list[float] = []
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while len(set(told)) < 2:
        assert time.monotonic() < give_up_at
        progress = rig.provider.poll(remote).progress
        told += [] if progress is None else [progress]
    assert told == sorted(told)
    assert all(0 < each < 1 for each in told)


def test_look_for_progress_is_bounded_and_optional(rig: Rig, transport: Transport) -> None:
    # A step takes three minutes.
    rig.misbehave(seconds=LONG)
    remote = rig.submit(rig.order())
    until_running(rig, remote)
    for seconds in ("0", "0.2"):
        impatient = account(f"{rig.url}/comfyui", transport, progress_seconds=seconds)
        assert impatient.poll(remote) == RemoteState(RemoteStatus.RUNNING)


def test_failed_work_quotes_the_exception(rig: Rig) -> None:
    rig.misbehave(outcome="fail", fail_code="OutOfMemoryError", fail_msg="Allocation on device 0 would exceed memory\n")
    state = rig.finish(rig.submit(rig.order()))
    assert (state.status, state.error_message) == (
        RemoteStatus.FAILED,
        "comfyui could not generate it: Allocation on device 0 would exceed memory",
    )


def test_graph_that_the_server_cannot_run_is_a_model_that_is_gone(
    rig: Rig, transport: Transport, tmp_path: Path
) -> None:
    content = json.loads((EXAMPLES / "qwen-image.json").read_text(encoding="utf-8"))
    content["8"]["class_type"] = "KSamplerOfAStranger"
    (tmp_path / "qwen-image.json").write_text(json.dumps(content), encoding="utf-8")
    strange = account(f"{rig.url}/comfyui", transport, workflows=str(tmp_path))
    with pytest.raises(ProviderModelGone, match="Node 'KSamplerOfAStranger' not found"):
        _submit(strange, rig, uuid4())


def test_account_without_a_template_serves_no_such_model(rig: Rig, transport: Transport, tmp_path: Path) -> None:
    (tmp_path / "wan-2.2.json").write_text((EXAMPLES / "wan-2.2.json").read_text(encoding="utf-8"), encoding="utf-8")
    small = account(f"{rig.url}/comfyui", transport, workflows=str(tmp_path))
    with pytest.raises(ProviderModelGone, match=r"comfyui has no workflow qwen-image\.json any more"):
        _submit(small, rig, uuid4())


def _submit(provider: ComfyUI, rig: Rig, generation_id: UUID) -> None:
    request = ProviderRequest(IMAGE, rig.order().inputs)
    provider.submit(request, callback_url=None, generation_id=generation_id, fence=lambda: None)


def test_value_that_the_server_refuses_is_the_orders_fault(rig: Rig) -> None:
    order = rig.order()
    inputs = order.inputs.model_copy(update={"seed": 2**65})
    with pytest.raises(ProviderRejected, match="bigger than max of 18446744073709551615: seed"):
        rig.provider.submit(
            ProviderRequest(IMAGE, inputs), callback_url=None, generation_id=uuid4(), fence=lambda: None
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"workflows": "/nothing/here"},
            r"REELWORKS_PROVIDERS__COMFYUI__OPTIONS__WORKFLOWS: /nothing/here is no folder",
        ),
        (
            {"workflows": ""},
            r"REELWORKS_PROVIDERS__COMFYUI__OPTIONS__WORKFLOWS: String should have at least 1 character",
        ),
        ({"workflow": "x"}, r"the options of comfyui are: lost_after_seconds, progress_seconds, workflows"),
        ({"progress_seconds": "60"}, r"PROGRESS_SECONDS: Input should be less than or equal to 10"),
    ],
)
def test_wrong_options_stop_the_start_in_words(transport: Transport, options: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidSettings, match=message):
        account("http://gpu.example:8188", transport, **options)


def test_account_is_checked(rig: Rig, transport: Transport) -> None:
    assert rig.provider.check() == AccountState()
    with pytest.raises(ProviderAuthFailed):
        account(f"{rig.url}/comfyui", transport, key="wrong").check()
    with pytest.raises(ProviderRejected, match="has no ComfyUI at this address"):
        account(f"{rig.url}/nothing", transport).check()
