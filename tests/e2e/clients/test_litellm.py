"""LiteLLM's proxy in front of the gateway: its customers order, read and fetch videos through the proxy."""

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bench.peers.litellm_proxy.proxy import COMMAND, START_SECONDS, environment
from stack.ports import free_port
from stack.processes import ApplicationProcess, Process
from stack.services import ended_in_reverse
from tests.e2e.clients.conftest import Buyer
from tests.support import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ENDED = {"completed", "failed"}


@pytest.fixture
def proxy(buyer: Buyer, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of the proxy, which knows the gateway as OpenAI's API under another address."""
    url, master_key = f"http://127.0.0.1:{free_port()}", f"sk-{secrets.token_hex(24)}"
    upstream = {
        "model": "openai/sora-2",
        "api_base": f"{buyer.system.stack.gateway_url}/openai/v1",
        "api_key": buyer.customer.api_key,
    }
    configuration = tmp_path / "litellm.yaml"
    configuration.write_text(
        json.dumps(
            {
                "model_list": [{"model_name": "sora-2", "litellm_params": upstream}],
                "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
            }
        )
    )
    port = url.rpartition(":")[2]
    command = (str(COMMAND), "--host", "127.0.0.1", "--port", port, "--config", str(configuration))
    process = Process("litellm", command, ready_url=f"{url}/health/readiness")
    child = ApplicationProcess(process, tmp_path, {**os.environ, **environment(master_key, buyer.customer.api_key)})
    with ended_in_reverse([child]):
        child.start()
        child.wait_until_ready(START_SECONDS)
        headers = {"Authorization": f"Bearer {master_key}"}
        with httpx.Client(base_url=f"{url}/v1", headers=headers, timeout=60, trust_env=False) as http:
            yield http


def test_video_is_ordered_read_and_fetched_through_the_proxy(buyer: Buyer, proxy: httpx.Client) -> None:
    order = {"model": "sora-2", "prompt": buyer.prompt, "seconds": "4", "size": "1280x720"}
    created = proxy.post("/videos", json=order)
    assert created.is_success, created.text
    video = created.json()
    assert (video["object"], video["seconds"], video["size"]) == ("video", "4", "1280x720")

    def read() -> str:
        return str(proxy.get(f"/videos/{video['id']}").raise_for_status().json()["status"])

    assert eventually(read, ENDED.__contains__) == "completed"
    content = proxy.get(f"/videos/{video['id']}/content")
    assert content.is_success, content.text
    assert (content.headers["content-type"], content.content[4:8]) == ("video/mp4", b"ftyp")
    assert len(buyer.videos()) == 1

    wrong = proxy.post("/videos", json=order | {"seconds": "99"})
    assert (wrong.status_code, "seconds" in wrong.json()["error"]["message"]) == (400, True)
