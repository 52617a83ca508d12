import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stack.ports import free_port
from stack.redis import Redis
from tests.support import eventually


@pytest.fixture(scope="module")
def flower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Flower on loopback without a login. Yields its address."""
    folder: Path = tmp_path_factory.mktemp("flower")
    redis = Redis(folder / "redis", free_port(), password="of-this-test")
    redis.start()
    redis.wait_until_ready()
    port = free_port()
    settings = {"REELWORKS_REDIS_URL": redis.url, "REELWORKS_FLOWER_PORT": str(port)}
    others = {"REELWORKS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REELWORKS_S3__ENDPOINT": "127.0.0.1:1"}
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "cli", "flower"], env={**os.environ, **settings, **others}
    ) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
    redis.stop()


def status(address: str, host: str) -> int:
    try:
        return httpx.get(f"{address}/api/workers", headers={"Host": host}, trust_env=False, timeout=30).status_code
    except httpx.TransportError:
        return 0


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5555", "127.0.0.1.evil.example", "localhost.evil.example"]
)
def test_a_page_that_rebinds_its_name_to_loopback_reads_nothing(flower: str, host: str) -> None:
    eventually(lambda: status(flower, "localhost"), bool)
    assert status(flower, host) == 403


@pytest.mark.parametrize("host", ["localhost", "localhost:5555", "127.0.0.1:5555", "[::1]:5555"])
def test_a_browser_on_this_machine_is_answered(flower: str, host: str) -> None:
    # 401: Flower's own rule for its API without a login.
    eventually(lambda: status(flower, host), lambda found: found in {200, 401})
