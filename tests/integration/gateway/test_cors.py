"""Calls from web pages of other origins."""

from collections.abc import Iterator

import httpx
import pytest
from pydantic import ValidationError

from api_gateway import create_app
from schemas.settings import Settings
from tests.integration.gateway.serving import serving
from tests.support import NewCustomer

ORIGIN = "https://studio.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
}


@pytest.fixture(scope="module")
def gateway(settings: Settings) -> Iterator[httpx.Client]:
    """A gateway that pages of one origin may call."""
    with serving(create_app(settings.model_copy(update={"cors_origins": [ORIGIN]}))) as client:
        yield client


def test_a_preflight_needs_no_key(gateway: httpx.Client) -> None:
    answer = gateway.options("/v1/generations", headers=PREFLIGHT)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "idempotency-key" in answer.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers["vary"]


def test_a_page_may_read_the_answer_and_its_headers(gateway: httpx.Client, customer: NewCustomer) -> None:
    answer = gateway.get("/v1/credits", headers=customer.headers | {"Origin": ORIGIN})

    assert answer.headers["access-control-allow-origin"] == ORIGIN
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert {"ETag", "Content-Range", "Location", "Retry-After", "X-Request-ID", "RateLimit"} <= exposed


@pytest.mark.parametrize("path", ["/v1/credits", "/api/video/7", "/files/a.mp4?e=1&t=1"])
def test_a_page_may_read_an_error(gateway: httpx.Client, path: str) -> None:
    answer = gateway.get(path, headers={"Origin": ORIGIN})

    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, ORIGIN)


def test_another_origin_gets_no_permission(gateway: httpx.Client, customer: NewCustomer) -> None:
    stranger = {"Origin": "https://stranger.example"}

    assert gateway.options("/v1/generations", headers=PREFLIGHT | stranger).status_code == 400
    answer = gateway.get("/v1/credits", headers=customer.headers | stranger)
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/healthz", "/", "/docs"])
def test_other_paths_are_for_their_own_origin(gateway: httpx.Client, path: str) -> None:
    assert "access-control-allow-origin" not in gateway.get(path, headers={"Origin": ORIGIN}).headers


def test_every_origin_may_call_without_credentials(settings: Settings, customer: NewCustomer) -> None:
    with serving(create_app(settings.model_copy(update={"cors_origins": ["*"]}))) as gateway:
        answer = gateway.get("/v1/credits", headers=customer.headers | {"Origin": ORIGIN})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("wrong", ["studio.example", "https://studio.example/", "https://*.example", "null"])
def test_a_setting_that_no_browser_sends_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="SCHEME://HOST"):
        Settings(_env_file=None, cors_origins=[wrong])
