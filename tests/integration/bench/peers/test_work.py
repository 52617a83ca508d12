"""The work of every peer at the vendor and in the bucket."""

import asyncio
import hashlib
import io
from collections.abc import Callable
from contextlib import aclosing, closing
from uuid import uuid4

import httpx
import pytest

from bench.peers.setup import S3, Kie, Mode, Setup
from bench.peers.work import (
    Asset,
    AsyncWork,
    Callback,
    Store,
    VendorFailed,
    VendorRefused,
    Work,
    is_authentic,
)
from bench.subjects.protocols import Infrastructure
from sandbox.client import SandboxClient
from sandbox.scenarios import Match, Scenario
from tests.sandbox.harness import Receiver, eventually, receiving

Run = Callable[[Setup, str, str], tuple[str, Asset]]


def setup_of(infrastructure: Infrastructure, *, mode: Mode = "poll", door_url: str = "http://127.0.0.1:1") -> Setup:
    account, s3 = infrastructure.settings.providers.named("kie"), infrastructure.settings.s3
    return Setup(
        mode=mode,
        door_url=door_url,
        database_url="",
        redis_url="",
        s3=S3(
            **s3.model_dump(include={"endpoint", "access_key", "secure", "region", "bucket"}),
            secret_key=s3.secret_key.get_secret_value(),
            prefix=f"peers/{uuid4().hex}/",
        ),
        kie=Kie(
            base_url=account.base_url,
            api_key=account.api_key.get_secret_value(),
            webhook_key=account.webhook_key.get_secret_value(),
        ),
    )


def with_threads(setup: Setup, order_id: str, prompt: str) -> tuple[str, Asset]:
    """One order in a peer with threads."""
    with closing(Work(setup)) as work:
        task_id = work.submit(order_id, prompt)
        eventually(lambda: work.result_url(task_id) is not None)
        url = work.result_url(task_id)
        assert url is not None
        return url, work.download_and_store(order_id, url)


def with_a_loop(setup: Setup, order_id: str, prompt: str) -> tuple[str, Asset]:
    """One order in an asynchronous peer."""

    async def run() -> tuple[str, Asset]:
        async with aclosing(AsyncWork(setup)) as work:
            task_id = await work.submit(order_id, prompt)
            while (url := await work.result_url(task_id)) is None:  # noqa: ASYNC110 -- the vendor has no event
                await asyncio.sleep(0.05)
            return url, await work.download_and_store(order_id, url)

    return asyncio.run(run())


@pytest.mark.parametrize("run", [with_threads, with_a_loop])
def test_result_is_stored_in_the_bucket(infrastructure: Infrastructure, vendor: SandboxClient, run: Run) -> None:
    setup, prompt = setup_of(infrastructure), uuid4().hex
    with closing(Store(setup.s3)) as store:
        store.ensure_bucket()
        url, asset = run(setup, "order-1", prompt)
        sizes = store.sizes()
    content = httpx.get(url, trust_env=False).content
    assert asset.sha256 == hashlib.sha256(content).hexdigest()
    assert sizes == {asset.object_key: len(content)} == {f"{setup.s3.prefix}order-1.png": asset.size_bytes}
    (task,) = vendor.tasks(prompt)
    assert (task.call_back_url, task.model) == (None, "google/nano-banana")


@pytest.mark.parametrize("run", [with_threads, with_a_loop])
def test_failure_at_the_vendor_raises_vendor_failed(
    infrastructure: Infrastructure, vendor: SandboxClient, run: Run
) -> None:
    prompt = uuid4().hex
    failing = Scenario(match=Match(prompt_contains=prompt), seconds=0, outcome="fail", fail_msg="too dark")
    with vendor.scenario(failing), pytest.raises(VendorFailed, match="too dark"):
        run(setup_of(infrastructure), "order-1", prompt)


@pytest.mark.parametrize("run", [with_threads, with_a_loop])
def test_refused_create_raises_vendor_refused(infrastructure: Infrastructure, run: Run) -> None:
    setup = setup_of(infrastructure)
    stranger = setup.model_copy(update={"kie": setup.kie.model_copy(update={"api_key": "wrong"})})
    with pytest.raises(VendorRefused, match="401"):
        run(stranger, "order-1", "a boat")


def test_callback_reaches_the_orders_url_and_is_authentic(infrastructure: Infrastructure) -> None:
    with receiving() as receiver:
        setup = setup_of(infrastructure, mode="callback", door_url=receiver.url)
        with closing(Work(setup)) as work:
            task_id = work.submit("order-1", uuid4().hex)
        callback, timestamp, signature = _received(receiver)
    assert setup.callback_url("order-1") == f"{receiver.url}/callbacks/order-1"
    assert callback.data.task_id == task_id
    assert is_authentic(setup.kie, callback, timestamp, signature)
    assert not is_authentic(setup.kie, callback, f"{timestamp}0", signature)
    assert not is_authentic(setup.kie.model_copy(update={"webhook_key": "wrong"}), callback, timestamp, signature)


def _received(receiver: Receiver) -> tuple[Callback, str, str]:
    (message,) = receiver.wait_for(1)
    headers = message.headers
    callback = Callback.model_validate_json(message.body)
    return callback, headers["x-webhook-timestamp"], headers["x-webhook-signature"]


def test_peer_clears_only_its_own_folder(infrastructure: Infrastructure) -> None:
    with closing(Store(setup_of(infrastructure).s3)) as ours, closing(Store(setup_of(infrastructure).s3)) as others:
        ours.ensure_bucket()
        for store in (ours, others):
            for number in range(3):
                content = io.BytesIO()
                content.write(b"picture")
                store.put(f"order-{number}", content, "00")
        ours.clear()
        assert ours.sizes() == {}
        assert list(others.sizes().values()) == [len(b"picture")] * 3


def test_process_reads_the_setup_from_its_environment(
    infrastructure: Infrastructure, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = setup_of(infrastructure)
    for name, value in setup.environment().items():
        monkeypatch.setenv(name, value)
    assert Setup.of_environment() == setup
