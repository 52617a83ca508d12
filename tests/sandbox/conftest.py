"""One real sandbox process for the whole run. Every test begins with a reset."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from sandbox.client import SandboxClient
from stack.ports import free_port
from tests.sandbox.harness import (
    KEY,
    PATIENCE_SECONDS,
    RUNWAY_VERSION,
    Fal,
    Gemini,
    Kie,
    Kling,
    KlingLegacy,
    Local,
    LongCat,
    OpenAIImages,
    OpenAIVideos,
    Receiver,
    Replicate,
    Runway,
    Vertex,
    receiving,
    start_sandbox,
)


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    port = free_port()
    process = start_sandbox(port)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert output.splitlines() == [
        f"INFO sandbox: SANDBOX on http://127.0.0.1:{port}: it calls no vendor, and every file from it is made up"
    ]


@pytest.fixture
def sandbox(sandbox_url: str) -> Iterator[SandboxClient]:
    """The control API of a sandbox without scenarios or tasks, and with limits that no test reaches by accident."""
    with SandboxClient(sandbox_url) as client:
        client.reset()
        client.lift_limits()
        yield client


@pytest.fixture
def word() -> str:
    return uuid4().hex


@pytest.fixture
def http(sandbox_url: str) -> Iterator[httpx.Client]:
    """An HTTP client with the key of the sandbox's accounts."""
    with httpx.Client(
        base_url=sandbox_url, headers={"Authorization": f"Bearer {KEY}"}, timeout=PATIENCE_SECONDS, trust_env=False
    ) as client:
        yield client


@pytest.fixture
def kie(sandbox: SandboxClient, http: httpx.Client, word: str) -> Kie:
    return Kie(http, word)


@pytest.fixture
def replicate(sandbox: SandboxClient, http: httpx.Client, word: str) -> Replicate:
    return Replicate(http, word)


@pytest.fixture
def kling(sandbox: SandboxClient, sandbox_url: str, word: str) -> Iterator[Kling]:
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=sandbox_url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False) as client:
        yield Kling(client, word)


@pytest.fixture
def legacy(sandbox: SandboxClient, http: httpx.Client, word: str) -> KlingLegacy:
    return KlingLegacy(http, word)


@pytest.fixture
def runway(sandbox: SandboxClient, sandbox_url: str, word: str) -> Iterator[Runway]:
    headers = {"Authorization": f"Bearer {KEY}", "X-Runway-Version": RUNWAY_VERSION}
    with httpx.Client(base_url=sandbox_url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False) as client:
        yield Runway(client, word)


@pytest.fixture
def fal(sandbox: SandboxClient, sandbox_url: str, word: str) -> Iterator[Fal]:
    headers = {"Authorization": f"Key {KEY}"}
    with httpx.Client(base_url=sandbox_url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False) as client:
        yield Fal(client, word)


@pytest.fixture
def gemini(sandbox: SandboxClient, sandbox_url: str, word: str) -> Iterator[Gemini]:
    headers = {"x-goog-api-key": KEY}
    with httpx.Client(base_url=sandbox_url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False) as client:
        yield Gemini(client, word)


@pytest.fixture
def videos(sandbox: SandboxClient, sandbox_url: str, word: str) -> Iterator[OpenAIVideos]:
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=sandbox_url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False) as client:
        yield OpenAIVideos(client, word)


@pytest.fixture
def longcat(sandbox: SandboxClient, http: httpx.Client, word: str) -> LongCat:
    return LongCat(http, word)


@pytest.fixture
def local(sandbox: SandboxClient, http: httpx.Client, word: str) -> Local:
    return Local(http, word)


@pytest.fixture
def images(sandbox: SandboxClient, http: httpx.Client, word: str) -> OpenAIImages:
    return OpenAIImages(http, word)


@pytest.fixture
def vertex(sandbox: SandboxClient, http: httpx.Client, word: str) -> Vertex:
    return Vertex(http, word)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver
