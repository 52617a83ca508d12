import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
import pytest

from stack.ports import free_port
from stack.redis import Redis
from tests.support import eventually

# Nothing of this goes to Google: the test reads where a browser is sent.
OAUTH = {
    "FLOWER_AUTH": r".*@example\.com",
    "FLOWER_AUTH_PROVIDER": "flower.views.auth.GoogleAuth2LoginHandler",
    "FLOWER_OAUTH2_KEY": "of-this-client",
    "FLOWER_OAUTH2_SECRET": "of-this-test",
    "FLOWER_OAUTH2_REDIRECT_URI": "https://flower.example.com/login",
}


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    redis = Redis(tmp_path_factory.mktemp("flower") / "redis", free_port(), password="of-this-test")
    redis.start()
    redis.wait_until_ready()
    yield redis
    redis.stop()


@contextmanager
def running(redis: Redis, settings: Mapping[str, str]) -> Iterator[str]:
    """Run Flower on loopback. Yields its address."""
    port = free_port()
    services = {
        "REELWORKS_REDIS_URL": redis.url,
        "REELWORKS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REELWORKS_S3__ENDPOINT": "127.0.0.1:1",
        "REELWORKS_FLOWER_PORT": str(port),
    }
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "cli", "flower"], env={**os.environ, **services, **settings}
    ) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def flower(redis: Redis) -> Iterator[str]:
    """A Flower without a login."""
    with running(redis, {}) as address:
        yield address


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


def answer(address: str) -> httpx.Response | None:
    try:
        return httpx.get(address, trust_env=False, timeout=30)
    except httpx.TransportError:
        return None


def test_with_oauth_every_page_leads_to_the_provider(redis: Redis) -> None:
    with running(redis, OAUTH) as address:
        eventually(lambda: answer(f"{address}/healthcheck"), lambda found: found is not None)
        for path in ("/", "/tasks", "/workers", "/api/tasks", "/metrics"):
            page = httpx.get(address + path, trust_env=False, timeout=30)
            assert (page.status_code, page.headers["location"].partition("?")[0]) == (302, "/login")
        login = httpx.get(f"{address}/login", trust_env=False, timeout=30)

    sent_to = httpx.URL(login.headers["location"])
    assert (login.status_code, sent_to.host) == (302, "accounts.google.com")
    assert sent_to.params["client_id"] == OAUTH["FLOWER_OAUTH2_KEY"]
    assert sent_to.params["redirect_uri"] == OAUTH["FLOWER_OAUTH2_REDIRECT_URI"]
    assert OAUTH["FLOWER_OAUTH2_SECRET"] not in str(sent_to)
